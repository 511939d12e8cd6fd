package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// overdracht is the record of mks.md 3.8: a transfer between hospital, home care and adult care.
func overdracht() Type {
	return Type{
		Name: "overdracht", Anchor: "Composition", Fields: transferFields(),
		Local: transferRules,
	}
}

func transferFields() form.Fields {
	out := form.Fields{
		form.F("richting", "1", code("richting")), form.F("leeftijdsvariant", "1", code("leeftijdsvariant")),
		form.F("overplaatsingsdatum", "1", date),
		form.F("opname", "0..1", form.Object(form.F("van", "1", instant), form.F("tot", "0..1", instant), form.F("afdeling", "0..1", Str),
			form.F("bestemming", "0..1", code("bestemming")))),
		form.F("verzender", "1", form.Object(form.F("organisatie", "1", ref("org")), form.F("verpleegkundige", "1", ref("med")),
			form.F("telefoon", "0..1", Str))),
		form.F("ontvanger", "1", form.Object(form.F("organisatie", "1", ref("org")))),
		form.F("drieluikGesprek", "0..1", form.Object(form.F("gehouden", "1", boolean), form.F("datum", "0..1", date),
			form.F("aanwezig", "0..*", code("drieluik-rol")), form.F("samenvatting", "0..1", text))),
		form.F("ontslaggereedheid", "0..1", form.Object(form.F("zorgThuisGeregeld", "1", boolean), form.F("materialenGeleverd", "1", boolean),
			form.F("aanspreekpunt24u", "0..1", Str),
			form.F("oudersGetraind", "0..*", form.Object(form.F("handeling", "1", Str), form.F("wie", "1", ref("bet")),
				form.F("bekwaam", "1", boolean), form.F("datum", "1", date))))),
		form.F("behandelaars", "1..*", ref("med")),
	}
	return append(append(out, medicalFields()...), dailyLifeFields()...)
}

func medicalFields() form.Fields {
	problem := form.Object(form.F("code", "0..1", codering), form.F("tekst", "1", Str), form.F("sinds", "0..1", pdate))
	var measurements form.Fields
	for _, m := range Measures {
		measurements = append(measurements, form.F(m.Name, "0..1", meting))
	}
	return form.Fields{
		form.F("medischeDiagnoses", "1..*", problem),
		form.F("voorgeschiedenis", "0..*", problem).OrNone(),
		form.F("allergieen", "0..*", form.Object(form.F("stof", "1", Str), form.F("code", "0..1", codering),
			form.F("ernst", "0..1", code("allergie-ernst")), form.F("reactie", "0..1", Str))).OrNone(),
		form.F("alerts", "0..*", form.Object(form.F("tekst", "1", Str), form.F("code", "0..1", codering))).OrNone(),
		form.F("vrijheidsbeperking", "0..1", text),
		form.F("metingen", "0..1", form.Object(measurements...)),
		form.F("pijn", "0..1", form.Object(form.F("schaal", "1", code("pijnschaal")), form.F("score", "1", integer(-1<<31, 1<<31-1)), form.F("op", "1", instant))),
		form.F("verpleegkundigeProblemen", "0..*", form.Object(form.F("tekst", "1", Str), form.F("code", "0..1", codering),
			form.F("domein", "1", code("mks-domein")), form.F("interventies", "1..*", Str), form.F("doel", "0..1", text))),
		form.F("zorgresultaat", "0..1", text), form.F("wensenKindEnGezin", "0..1", text),
		form.F("afspraken", "0..*", form.Object(form.F("bij", "1", Str), form.F("op", "1", instant), form.F("reden", "0..1", Str))),
	}
}

func dailyLifeFields() form.Fields {
	return form.Fields{
		form.F("hulpmiddelen", "0..*", form.Object(form.F("soort", "1", Str), form.F("code", "0..1", codering), form.F("maat", "0..1", Str),
			form.F("lengteCm", "0..1", number), form.F("ingebrachtOp", "0..1", date), form.F("vervangenVoor", "0..1", date),
			form.F("leverancier", "0..1", Str), form.F("instelling", "0..1", text))),
		form.F("voeding", "0..1", feedingType()),
		form.F("zelfzorg", "0..1", text), form.F("mobiliteit", "0..1", text), form.F("uitscheiding", "0..1", text),
		form.F("huid", "0..1", text), form.F("zintuigen", "0..1", text), form.F("mentaal", "0..1", text),
		form.F("ontwikkeling", "0..1", form.Object(form.F("motoriek", "0..*", sct), form.F("taal", "0..*", sct), form.F("sociaal", "0..*", sct),
			form.F("toelichting", "0..1", text))),
		form.F("ziektebeleving", "0..1", form.Object(form.F("kind", "0..1", text), form.F("gezin", "0..1", text))),
		form.F("gezinssituatie", "0..1", form.Object(form.F("broersZussen", "0..1", integer(0, 1<<31-1)), form.F("samenstelling", "0..1", text))),
		form.F("woonsituatie", "0..1", form.Object(form.F("type", "1", code("woning-type")), form.F("toelichting", "0..1", text))),
		form.F("juridisch", "0..1", form.Object(form.F("gezag", "1", code("gezag-type")), form.F("ots", "1", boolean))),
		form.F("bijzonderhedenKind", "0..1", text),
		form.F("bijlagen", "0..*", form.Object(form.F("titel", "1", Str), form.F("mime", "1", Str), form.F("sha256", "1", digest), form.F("url", "0..1", Str))),
	}
}

// digest is a SHA-256 in lower-case hex.
var digest = form.Pattern(`[0-9a-f]{64}`, "MKS-OVD-09")

// Measure is one kind of measurement: its LOINC codes, UCUM unit, the bounds of MKS-OVD-07 and the
// nl-core profile that it claims.
type Measure struct {
	Name      string
	Loinc     []string
	Unit      string
	low, high float64
	Profile   string
}

// Measures are the kinds of metingen. Read only.
var Measures = []Measure{
	{"gewicht", []string{"29463-7"}, "kg", 0.3, 200, "BodyWeight"},
	{"lengte", []string{"8302-2"}, "cm", 20, 220, "BodyHeight"},
	{"schedelomtrek", []string{"9843-4"}, "cm", 15, 65, "HeadCircumference"},
	{"saturatie", []string{"2708-6", "59408-5"}, "%", 0, 100, "O2Saturation"},
	{"hartslag", []string{"8867-4"}, "/min", 20, 300, ""},
	{"ademfrequentie", []string{"9279-1"}, "/min", 4, 120, ""},
	{"temperatuur", []string{"8310-5"}, "Cel", 25, 45, ""},
	{"zuurstof", []string{"3151-8"}, "L/min", 0, 15, ""},
}
