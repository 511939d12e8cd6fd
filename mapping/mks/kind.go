package mks

// kind is the record of mks.md 3.2: the child, its network, authority, team and insurance.
func kind() record {
	return record{
		name: "kind", anchor: "Patient", fields: kindFields(),
		local: kindRules, prepare: prepareKind, stored: kindStored, write: writeKind,
	}
}

func kindFields() fields {
	naam := obj(f("voornamen", "1..*", str), f("roepnaam", "0..1", str), f("voorvoegsel", "0..1", str), f("achternaam", "1", str))
	return fields{
		f("naam", "1", naam), f("geboortedatum", "1", pdate), f("geslacht", "1", code("geslacht")),
		f("meerling", "0..1", boolean), f("zwangerschapsduur", "0..1", integer(20, 43)),
		f("overleden", "0..1", date), f("taal", "0..*", language),
		f("telefoon", "0..*", str), f("email", "0..*", str), f("adres", "0..*", adres()),
		f("huisarts", "0..1", obj(f("agb", "0..1", agb), f("naam", "1", str), f("telefoon", "0..1", str))),
		f("opvang", "0..*", obj(f("soort", "1", code("opvang-soort")), f("naam", "1", str),
			f("status", "1", code("opvang-status")), f("reden", "0..1", text), f("organisatie", "0..1", ref("org")),
			f("vanaf", "0..1", date), f("tot", "0..1", date))),
		f("verzekering", "0..*", obj(f("wet", "1", coveredLaw()), f("uzovi", "0..1", uzovi), f("naam", "0..1", str),
			f("polisnummer", "0..1", str), f("vanaf", "1", date), f("tot", "0..1", date))),
		f("gezag", "0..1", obj(f("type", "1", code("gezag-type")), f("houders", "0..2", ref("bet", "org")),
			f("bron", "1", code("gezag-bron")), f("gecontroleerdOp", "1", date), f("vanaf", "0..1", date), f("tot", "0..1", date))),
		f("ots", "0..1", obj(f("vanaf", "1", date), f("tot", "0..1", date), f("instelling", "0..1", ref("org")),
			f("gezinsvoogd", "0..1", ref("med")))),
		f("betrokkenen", "0..*", betrokkene(naam)),
		f("medewerkers", "0..*", obj(f("id", "1", ident), f("naam", "1", naam), f("functie", "1", code("teamrol")),
			f("big", "0..1", big), f("uziRol", "0..1", uziRol), f("organisatie", "1", ref("org")), f("telefoon", "0..*", str))),
		f("organisaties", "0..*", obj(f("id", "1", ident), f("naam", "1", str), f("soort", "1", code("organisatie-soort")),
			f("ura", "0..1", ura), f("agb", "0..1", agb), f("type", "0..1", orgType), f("telefoon", "0..1", str))),
		f("kindteam", "0..1", obj(f("naam", "1", str), f("aanspreekpunt24u", "0..1", str),
			f("leden", "1..*", obj(f("ref", "1", ref("bet", "med", "org", "kind")), f("rol", "1", code("teamrol")),
				f("vanaf", "0..1", date), f("tot", "0..1", date))))),
	}
}

func adres() typ {
	return obj(f("soort", "1", code("adres-soort")), f("straat", "1", str), f("huisnummer", "1", integer(1, 1<<31-1)),
		f("toevoeging", "0..1", str), f("postcode", "1", str), f("plaats", "1", str), f("land", "1", country),
		f("vanaf", "0..1", date), f("tot", "0..1", date), f("bij", "0..1", ref("bet")))
}

func betrokkene(naam typ) typ {
	return obj(f("id", "1", ident), f("soort", "1", code("betrokkene-soort")), f("bsn", "0..1", bsn), f("naam", "1", naam),
		f("relatie", "0..1", code("relatie")), f("rollen", "0..*", code("rol")), f("telefoon", "0..*", str),
		f("email", "0..*", str), f("woontBijKind", "0..1", boolean), f("mantelzorger", "0..1", boolean),
		f("organisatie", "0..1", ref("org")), f("tot", "0..1", date),
		f("afgeschermd", "0..1", obj(f("vanaf", "1", date), f("reden", "1", text))))
}

// coveredLaw is wettelijk-kader without po, under which nobody is insured.
func coveredLaw() typ { return code("wettelijk-kader").except("po") }
