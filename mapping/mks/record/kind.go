package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// kind is the record of mks.md 3.2: the child, its network, authority, team and insurance.
func kind() Type {
	return Type{
		Name: "kind", Anchor: "Patient", Fields: kindFields(),
		Local: kindRules,
	}
}

func kindFields() form.Fields {
	naam := form.Object(form.F("voornamen", "1..*", Str), form.F("roepnaam", "0..1", Str), form.F("voorvoegsel", "0..1", Str), form.F("achternaam", "1", Str))
	return form.Fields{
		form.F("naam", "1", naam), form.F("geboortedatum", "1", pdate), form.F("geslacht", "1", code("geslacht")),
		form.F("meerling", "0..1", boolean), form.F("zwangerschapsduur", "0..1", integer(20, 43)),
		form.F("overleden", "0..1", date), form.F("taal", "0..*", language),
		form.F("telefoon", "0..*", Str), form.F("email", "0..*", Str), form.F("adres", "0..*", adres()),
		form.F("huisarts", "0..1", form.Object(form.F("agb", "0..1", agb), form.F("naam", "1", Str), form.F("telefoon", "0..1", Str))),
		form.F("opvang", "0..*", form.Object(form.F("soort", "1", code("opvang-soort")), form.F("naam", "1", Str),
			form.F("status", "1", code("opvang-status")), form.F("reden", "0..1", text), form.F("organisatie", "0..1", ref("org")),
			form.F("vanaf", "0..1", date), form.F("tot", "0..1", date))),
		form.F("verzekering", "0..*", form.Object(form.F("wet", "1", coveredLaw()), form.F("uzovi", "0..1", uzovi), form.F("naam", "0..1", Str),
			form.F("polisnummer", "0..1", Str), form.F("vanaf", "1", date), form.F("tot", "0..1", date))),
		form.F("gezag", "0..1", form.Object(form.F("type", "1", code("gezag-type")), form.F("houders", "0..2", ref("bet", "org")),
			form.F("bron", "1", code("gezag-bron")), form.F("gecontroleerdOp", "1", date), form.F("vanaf", "0..1", date), form.F("tot", "0..1", date))),
		form.F("ots", "0..1", form.Object(form.F("vanaf", "1", date), form.F("tot", "0..1", date), form.F("instelling", "0..1", ref("org")),
			form.F("gezinsvoogd", "0..1", ref("med")))),
		form.F("betrokkenen", "0..*", betrokkene(naam)),
		form.F("medewerkers", "0..*", form.Object(form.F("id", "1", ident), form.F("naam", "1", naam), form.F("functie", "1", code("teamrol")),
			form.F("big", "0..1", big), form.F("uziRol", "0..1", uziRol), form.F("organisatie", "1", ref("org")), form.F("telefoon", "0..*", Str))),
		form.F("organisaties", "0..*", form.Object(form.F("id", "1", ident), form.F("naam", "1", Str), form.F("soort", "1", code("organisatie-soort")),
			form.F("ura", "0..1", ura), form.F("agb", "0..1", agb), form.F("type", "0..1", orgType), form.F("telefoon", "0..1", Str))),
		form.F("kindteam", "0..1", form.Object(form.F("naam", "1", Str), form.F("aanspreekpunt24u", "0..1", Str),
			form.F("leden", "1..*", form.Object(form.F("ref", "1", ref("bet", "med", "org", "kind")), form.F("rol", "1", code("teamrol")),
				form.F("vanaf", "0..1", date), form.F("tot", "0..1", date))))),
	}
}

func adres() form.Type {
	return form.Object(form.F("soort", "1", code("adres-soort")), form.F("straat", "1", Str), form.F("huisnummer", "1", integer(1, 1<<31-1)),
		form.F("toevoeging", "0..1", Str), form.F("postcode", "1", Str), form.F("plaats", "1", Str), form.F("land", "1", country),
		form.F("vanaf", "0..1", date), form.F("tot", "0..1", date), form.F("bij", "0..1", ref("bet")))
}

func betrokkene(naam form.Type) form.Type {
	return form.Object(form.F("id", "1", ident), form.F("soort", "1", code("betrokkene-soort")), form.F("bsn", "0..1", bsn), form.F("naam", "1", naam),
		form.F("relatie", "0..1", code("relatie")), form.F("rollen", "0..*", code("rol")), form.F("telefoon", "0..*", Str),
		form.F("email", "0..*", Str), form.F("woontBijKind", "0..1", boolean), form.F("mantelzorger", "0..1", boolean),
		form.F("organisatie", "0..1", ref("org")), form.F("tot", "0..1", date),
		form.F("afgeschermd", "0..1", form.Object(form.F("vanaf", "1", date), form.F("reden", "1", text))))
}

// coveredLaw is wettelijk-kader without po, under which nobody is insured.
func coveredLaw() form.Type { return code("wettelijk-kader").Except("po", unlisted) }
