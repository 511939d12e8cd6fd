package mks

// overdracht is the record of mks.md 3.8: a transfer between hospital, home care and adult care.
func overdracht() record {
	return record{
		name: "overdracht", anchor: "Composition", fields: transferFields(),
		local: transferRules, stored: transferStored, write: writeTransfer,
	}
}

func transferFields() fields {
	out := fields{
		f("richting", "1", code("richting")), f("leeftijdsvariant", "1", code("leeftijdsvariant")),
		f("overplaatsingsdatum", "1", date),
		f("opname", "0..1", obj(f("van", "1", instant), f("tot", "0..1", instant), f("afdeling", "0..1", str),
			f("bestemming", "0..1", code("bestemming")))),
		f("verzender", "1", obj(f("organisatie", "1", ref("org")), f("verpleegkundige", "1", ref("med")),
			f("telefoon", "0..1", str))),
		f("ontvanger", "1", obj(f("organisatie", "1", ref("org")))),
		f("drieluikGesprek", "0..1", obj(f("gehouden", "1", boolean), f("datum", "0..1", date),
			f("aanwezig", "0..*", code("drieluik-rol")), f("samenvatting", "0..1", text))),
		f("ontslaggereedheid", "0..1", obj(f("zorgThuisGeregeld", "1", boolean), f("materialenGeleverd", "1", boolean),
			f("aanspreekpunt24u", "0..1", str),
			f("oudersGetraind", "0..*", obj(f("handeling", "1", str), f("wie", "1", ref("bet")),
				f("bekwaam", "1", boolean), f("datum", "1", date))))),
		f("behandelaars", "1..*", ref("med")),
	}
	return append(append(out, medicalFields()...), dailyLifeFields()...)
}

func medicalFields() fields {
	problem := obj(f("code", "0..1", codering), f("tekst", "1", str), f("sinds", "0..1", pdate))
	measurements := obj()
	for _, m := range measures {
		measurements.fields = append(measurements.fields, f(m.name, "0..1", meting))
	}
	return fields{
		f("medischeDiagnoses", "1..*", problem),
		f("voorgeschiedenis", "0..*", problem).orNone(),
		f("allergieen", "0..*", obj(f("stof", "1", str), f("code", "0..1", codering),
			f("ernst", "0..1", code("allergie-ernst")), f("reactie", "0..1", str))).orNone(),
		f("alerts", "0..*", obj(f("tekst", "1", str), f("code", "0..1", codering))).orNone(),
		f("vrijheidsbeperking", "0..1", text),
		f("metingen", "0..1", measurements),
		f("pijn", "0..1", obj(f("schaal", "1", code("pijnschaal")), f("score", "1", integer(-1<<31, 1<<31-1)), f("op", "1", instant))),
		f("verpleegkundigeProblemen", "0..*", obj(f("tekst", "1", str), f("code", "0..1", codering),
			f("domein", "1", code("mks-domein")), f("interventies", "1..*", str), f("doel", "0..1", text))),
		f("zorgresultaat", "0..1", text), f("wensenKindEnGezin", "0..1", text),
		f("afspraken", "0..*", obj(f("bij", "1", str), f("op", "1", instant), f("reden", "0..1", str))),
	}
}

func dailyLifeFields() fields {
	return fields{
		f("hulpmiddelen", "0..*", obj(f("soort", "1", str), f("code", "0..1", codering), f("maat", "0..1", str),
			f("lengteCm", "0..1", number), f("ingebrachtOp", "0..1", date), f("vervangenVoor", "0..1", date),
			f("leverancier", "0..1", str), f("instelling", "0..1", text))),
		f("voeding", "0..1", feedingType()),
		f("zelfzorg", "0..1", text), f("mobiliteit", "0..1", text), f("uitscheiding", "0..1", text),
		f("huid", "0..1", text), f("zintuigen", "0..1", text), f("mentaal", "0..1", text),
		f("ontwikkeling", "0..1", obj(f("motoriek", "0..*", sct), f("taal", "0..*", sct), f("sociaal", "0..*", sct),
			f("toelichting", "0..1", text))),
		f("ziektebeleving", "0..1", obj(f("kind", "0..1", text), f("gezin", "0..1", text))),
		f("gezinssituatie", "0..1", obj(f("broersZussen", "0..1", integer(0, 1<<31-1)), f("samenstelling", "0..1", text))),
		f("woonsituatie", "0..1", obj(f("type", "1", code("woning-type")), f("toelichting", "0..1", text))),
		f("juridisch", "0..1", obj(f("gezag", "1", code("gezag-type")), f("ots", "1", boolean))),
		f("bijzonderhedenKind", "0..1", text),
		f("bijlagen", "0..*", obj(f("titel", "1", str), f("mime", "1", str), f("sha256", "1", digest), f("url", "0..1", str))),
	}
}

// digest is a SHA-256 in lower-case hex.
var digest = pattern(`[0-9a-f]{64}`, "MKS-OVD-09")

// measure is one kind of measurement: its LOINC codes, UCUM unit, the bounds of MKS-OVD-07 and the
// nl-core profile that it claims.
type measure struct {
	name      string
	loinc     []string
	unit      string
	low, high float64
	profile   string
}

// measures are the kinds of metingen. Read only.
var measures = []measure{
	{"gewicht", []string{"29463-7"}, "kg", 0.3, 200, "BodyWeight"},
	{"lengte", []string{"8302-2"}, "cm", 20, 220, "BodyHeight"},
	{"schedelomtrek", []string{"9843-4"}, "cm", 15, 65, "HeadCircumference"},
	{"saturatie", []string{"2708-6", "59408-5"}, "%", 0, 100, "O2Saturation"},
	{"hartslag", []string{"8867-4"}, "/min", 20, 300, ""},
	{"ademfrequentie", []string{"9279-1"}, "/min", 4, 120, ""},
	{"temperatuur", []string{"8310-5"}, "Cel", 25, 45, ""},
	{"zuurstof", []string{"3151-8"}, "L/min", 0, 15, ""},
}
