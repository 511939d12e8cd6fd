package samordningsplan

import "github.com/drieluik/drieluik/mapping/form"

// Schema is the value of the member "schema".
const Schema = "samordningsplan/1"

// Simple types (samordningsplan.md 1).
var (
	text     = form.Trimmed(4000, "SP-S09").Named("s")
	line     = form.Line(500, "SP-S09").Named("line")
	date     = form.Date("SP-S06").Named("date")
	instant  = form.Instant("SP-S06").Named("instant")
	boolean  = form.Bool()
	localID  = form.Pattern(idPattern, "SP-S09").Named("id")
	ref      = form.Pattern(idPattern, "SP-S09").Named("ref")
	hsa      = form.Pattern(`SE[0-9]{10}-[0-9A-Za-z]{1,18}`, "SP-S07").Named("hsa")
	document = form.Pattern(`[A-Za-z0-9.-]{1,64}`, "SP-S09").Named("dok")
	slug     = form.Pattern(`[a-z0-9-]{1,64}`, "SP-S09").Named("kod")
	language = form.Pattern(`[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*`, "SP-S09").Named("bcp47")
	postcode = form.Pattern(`[0-9]{5}`, "SP-S09").Named("postnummer")
	orgnr    = form.Checked(validOrganisation, "SP-S07", form.Schema{Pattern: "^[0-9]{10}$",
		Comment: "The last digit is the check digit of Luhn."}).Named("orgnr")
	personnummer = form.Checked(personChecks["personnummer"], "SP-S07", form.Schema{Pattern: "^[0-9]{12}$",
		Comment: "The first eight digits are a date; the last is the check digit of Luhn over the ten before it and itself."}).Named("personnummer")
)

const idPattern = `[A-Za-z][A-Za-z0-9-]{0,15}`

// to is a reference to members of the lists named; "person" is the person.
func to(lists ...string) form.Type { return ref.Refs("", lists...) }

func code(l form.List) form.Type { return form.Code("SP-S03", l) }

// f is a row of the tables: a member that must be there is broken by SP-S01 when a list is too short.
func f(name, card string, t form.Type) form.Field {
	x := form.F(name, card, t)
	if x.List() {
		return x.Instead("SP-S01")
	}
	return x
}

func obj(fs ...form.Field) form.Type { return form.Object(fs...) }

// table is the document.
func table() form.Fields {
	return append(form.Fields{
		f("schema", "1", code(plain("schema", Schema))), f("dokumentId", "1", document), f("version", "1", form.Integer(1, 1_000_000, "SP-S09")),
		f("kallsystemHsaId", "1", hsa), f("planTyp", "1", code(planTypes)), f("status", "1", code(states)), f("titel", "1", text),
		f("andrad", "1", instant), f("godkandForPatient", "1", boolean),
		f("ansvar", "1", obj(f("vardgivareHsaId", "1", hsa), f("vardenhetHsaId", "1", hsa), f("undertecknadAv", "0..1", text))),
		f("person", "1", personType()),
		f("initiativ", "1", obj(f("tagare", "1", code(initiators)), f("aktor", "0..1", to("aktorer")), f("namn", "1", text), f("datum", "1", date))),
		f("behovsbedomning", "1", obj(f("datum", "1", date), f("gjordAv", "1", to("aktorer")), f("omfattande", "1", boolean),
			f("langvarig", "1", boolean), f("fleraProcesser", "1", boolean), f("mervarde", "1", text))),
		f("foretradare", "0..*", guardianType()), f("samtycke", "0..*", consentType()), f("aktorer", "2..*", actorType()),
		f("kallelse", "0..*", meetingType()), f("samordnare", "0..1", coordinatorType()),
		f("huvudansvarigHuvudman", "0..1", code(mainBodies)), f("vadArViktigt", "1", text),
		f("befintligaPlaner", "0..*", obj(f("typ", "1", code(planTypes)), f("id", "1", document), f("kallsystemHsaId", "0..1", hsa),
			f("aktor", "1", to("aktorer")), f("anvandsSom", "1", code(uses)), f("samordnareNamngiven", "0..1", boolean))),
		f("mal", "1..*", goalType()), f("insatser", "0..*", activityType()),
		f("giltighet", "0..1", obj(f("start", "0..1", date), f("utvardering", "0..1", date), f("slut", "0..1", date))),
		f("uppfoljningar", "0..*", obj(f("id", "1", localID), f("datum", "1", date), f("typ", "1", code(followUps)), f("bokad", "1", boolean),
			f("utfall", "0..*", obj(f("mal", "1", to("mal")), f("uppfyllelse", "1", code(outcomes)), f("kommentar", "0..1", text))))),
		f("avslut", "0..1", obj(f("datum", "1", date), f("orsak", "1", code(endings)), f("slututvardering", "0..1", text))),
		f("delgiven", "0..*", obj(f("till", "1", to("aktorer", "foretradare", thePerson)), f("datum", "1", date))),
	}, childTable()...)
}

// childTable are the members of a BARNPLAN alone (BP-R06).
func childTable() form.Fields {
	return form.Fields{
		f("ansvarig", "0..*", obj(f("id", "1", localID), f("roll", "1", code(childRoles)), f("namn", "1", text), f("aktor", "1", to("aktorer")),
			f("fran", "1", date), f("till", "0..1", date), f("accepterad", "1", boolean))),
		f("samverkansansvarig", "0..1", obj(f("namn", "1", text), f("hsaId", "0..1", hsa), f("aktor", "1", ref), f("fran", "1", date),
			f("till", "0..1", date), f("telefon", "0..1", text))),
		f("signaler", "0..*", obj(f("id", "1", localID), f("datum", "1", date), f("fran", "1", to("aktorer", "foretradare", thePerson)),
			f("omrade", "1", code(segments)), f("text", "1", text))),
		f("kartlaggning", "0..*", obj(f("segment", "1", code(segments)), f("fungerar", "0..1", text), f("utmaning", "0..1", text))),
		f("barnetsRost", "0..1", obj(f("form", "1", code(childVoice)), f("datum", "0..1", date), f("text", "1", text))),
		f("viktigastNu", "0..1", ref),
		f("avvakta", "0..*", obj(f("insats", "1", ref), f("tillDatum", "1", date), f("skal", "1", text))),
	}
}

func personType() form.Type {
	return obj(f("idTyp", "1", code(idTypes)), f("id", "1", form.Pattern(`[0-9A-Z]{10,13}`, "SP-S07")), f("fornamn", "1", text),
		f("mellannamn", "0..1", text), f("efternamn", "1", text), f("fodelsedatum", "0..1", date), f("kon", "1", code(sexes)),
		f("skydd", "0..*", code(protections)), f("tolkbehov", "0..1", language), f("telefon", "0..1", text),
		f("adress", "0..1", obj(f("rader", "1..*", line), f("postnummer", "1", postcode), f("postort", "1", text))), f("deltar", "1", boolean))
}

func guardianType() form.Type {
	return obj(f("id", "1", localID), f("typ", "1", code(guardians)), f("roll", "0..1", code(kinship)), f("namn", "1", text),
		f("personnummer", "0..1", personnummer), f("telefon", "0..1", text), f("deltar", "1", boolean), f("samtyckeSaknas", "0..1", text),
		f("formote", "0..1", obj(f("datum", "1", date), f("behovOnskemal", "1", text))))
}

func consentType() form.Type {
	return obj(f("id", "1", localID), f("lamnatAv", "1", to("foretradare", thePerson)), f("mottagetAv", "1", to("aktorer")), f("datum", "1", date),
		f("betanketidDagar", "0..1", form.Integer(0, 365, "SP-S09")), f("form", "1", code(consentBy)), f("omfattning", "1..*", code(consentTo)),
		f("aktorer", "1..*", to("aktorer")), f("undantag", "0..*", obj(f("aktor", "1", to("aktorer")), f("skal", "0..1", text))),
		f("giltigTill", "1", date), f("dokumenteratI", "1", code(journals)), f("aterkallat", "0..1", date))
}

func actorType() form.Type {
	return obj(f("id", "1", localID), f("huvudman", "1", code(principals)), f("verksamhet", "1", text), f("verksamhetsTyp", "0..1", code(activities)),
		f("hsaId", "0..1", hsa), f("orgnr", "0..1", orgnr), f("myndighet", "1", boolean), f("kontakt", "0..1", text), f("telefon", "0..1", text))
}

func meetingType() form.Type {
	return obj(f("id", "1", localID), f("skickad", "1", date), f("av", "1", to("aktorer")), f("motestid", "1", instant),
		f("langdMin", "1", form.Integer(5, 480, "SP-S09")), f("plats", "0..1", line), f("form", "1", code(meetings)), f("fragor", "1..*", line),
		f("till", "1..*", obj(f("aktor", "0..1", to("aktorer")), f("foretradare", "0..1", to("foretradare")), f("person", "0..1", boolean),
			f("typ", "1", code(callKinds)), f("svar", "1", code(replies)))))
}

func coordinatorType() form.Type {
	return obj(f("namn", "1", text), f("hsaId", "0..1", hsa), f("aktor", "1", ref), f("valdAv", "1", code(choosers)),
		f("onskemalTillgodosett", "1", boolean), f("skal", "0..1", text), f("fran", "1", date), f("till", "0..1", date), f("telefon", "0..1", text))
}

func goalType() form.Type {
	return obj(f("id", "1", localID), f("text", "1", text), f("formuleratAv", "1", code(goalAuthors)), f("formuleratAvRef", "0..1", to("foretradare")),
		f("prioritet", "1", form.Integer(1, 99, "SP-S09")), f("utvarderingskriterium", "0..1", text), f("malDatum", "1", date),
		f("uppfyllelse", "0..1", code(outcomes)))
}

func activityType() form.Type {
	return obj(f("id", "1", localID), f("mal", "0..*", to("mal")), f("text", "1", text), f("insatsKod", "0..1", slug), f("behov", "0..*", slug),
		f("ansvarigAktor", "0..1", ref), f("annanAnHuvudman", "0..1", boolean), f("utforare", "0..1", text), f("start", "1", date),
		f("slut", "0..1", date), f("frekvens", "0..1", text), f("status", "1", code(actStates)),
		f("tidPerVeckaMin", "0..1", form.Integer(0, 10080, "SP-S09")), f("avstaFran", "0..1", boolean))
}
