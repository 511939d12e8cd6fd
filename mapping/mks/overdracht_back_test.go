package mks_test

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/mapping"
)

// place is where the way back reads a member of a transfer (mks.md 4): the resource of a part, "" for
// the Composition, a FHIRPath in it, and the values of the source in order.
type place struct {
	member string
	typ    fhir.Type
	part   string
	at     string
	want   []string
}

const structure = fhir.Canonical + "/StructureDefinition/"

func on(url string) string { return "extension('" + structure + url + "').value" }

func sectionAt(code string) string {
	return "(section | section.section).where(code.coding.code = '" + code + "')"
}

func entriesOf(code, typ string) string {
	return sectionAt(code) + ".entry.reference.where(startsWith('" + typ + "/'))"
}

func answers(link string) string {
	return "descendants().where(linkId = '" + link + "').answer.value"
}

func list(want ...string) []string { return want }

// placesOfFull are the places of the members of full.
func placesOfFull() []place {
	at := "2026-11-02T08:00:00+01:00"
	out := []place{
		{"richting", "", "", on("richting"), list("ziekenhuis-naar-huis")},
		{"leeftijdsvariant", "", "", on("leeftijdsvariant"), list("1-18")},
		{"overplaatsingsdatum", "", "", sectionAt("405624007") + "." + on("overplaatsingsdatum"), list("2026-11-03")},
		{"opname.van", "Encounter", "opname", "period.start", list("2026-10-20T14:00:00+02:00")},
		{"opname.tot", "Encounter", "opname", "period.end", list("2026-11-03T11:00:00+01:00")},
		{"opname.afdeling", "Encounter", "opname", "serviceType.text", list("Kinderafdeling")},
		{"opname.bestemming", "Encounter", "opname", "hospitalization.dischargeDisposition.coding.where(system.endsWith('/bestemming')).code", list("thuis-met-zorg")},
		{"verzender.organisatie", "", "", "custodian.identifier.value", list("o-zkh")},
		{"verzender.verpleegkundige", "", "", "author.identifier.value", list("m-transfer")},
		{"verzender.telefoon", "", "", sectionAt("185362004") + "." + on("verzender-telefoon"), list("0880000211")},
		{"ontvanger.organisatie", "", "", sectionAt("275645009") + ".entry.identifier.value", list("90000001")},
		{"drieluikGesprek.gehouden", "Encounter", "drieluik", "status", list("finished")},
		{"drieluikGesprek.datum", "Encounter", "drieluik", "period.start", list("2026-11-01")},
		{"drieluikGesprek.aanwezig", "Encounter", "drieluik", on("aanwezig-rol"), list("ouder", "ziekenhuisverpleegkundige", "kinderthuiszorg")},
		{"drieluikGesprek.samenvatting", "Encounter", "drieluik", on("samenvatting"), list("afspraken over nachten en sonde")},
		{"ontslaggereedheid.zorgThuisGeregeld", "QuestionnaireResponse", "og", answers("og.zorg"), list("true")},
		{"ontslaggereedheid.materialenGeleverd", "QuestionnaireResponse", "og", answers("og.materialen"), list("true")},
		{"ontslaggereedheid.aanspreekpunt24u", "QuestionnaireResponse", "og", answers("og.telefoon"), list("0880000199")},
		{"oudersGetraind.handeling", "QuestionnaireResponse", "og", answers("og.training.handeling"), list("sonde inbrengen", "saturatiemeter aansluiten")},
		{"oudersGetraind.wie", "QuestionnaireResponse", "og", answers("og.training.wie") + ".identifier.value", list("b-moeder", "b-vader")},
		{"oudersGetraind.bekwaam", "QuestionnaireResponse", "og", answers("og.training.bekwaam"), list("true", "true")},
		{"oudersGetraind.datum", "QuestionnaireResponse", "og", answers("og.training.datum"), list("2026-10-31", "2026-10-31")},
		{"behandelaars", "", "", sectionAt("405623001") + ".entry.where(reference.startsWith('PractitionerRole/')).identifier.value", list("m-arts")},
	}
	for name, v := range map[string]string{
		"gewicht": "9.4", "lengte": "77", "saturatie": "96", "hartslag": "120", "ademfrequentie": "30", "temperatuur": "37.2", "zuurstof": "0.5",
	} {
		out = append(out, place{name + ".waarde", "Observation", name, "value.value", list(v)}, place{name + ".op", "Observation", name, "effective", list(at)})
	}
	return append(append(out, medicalPlaces(at)...), lifePlaces()...)
}

func medicalPlaces(at string) []place {
	return []place{
		{"medischeDiagnoses[0].code.sct", "Condition", "diagnose1", "code.coding.where(system = 'http://snomed.info/sct').code", list("65363002")},
		{"medischeDiagnoses[0].tekst", "Condition", "diagnose1", "code.text", list("Otitis media (voorbeeld)")},
		{"medischeDiagnoses[0].sinds", "Condition", "diagnose1", "onset", list("2026-10-19")},
		{"medischeDiagnoses[1].tekst", "Condition", "diagnose2", "code.text", list("Groeiachterstand")},
		{"medischeDiagnoses[1].sinds", "Condition", "diagnose2", "onset", list("2025-11")},
		{"voorgeschiedenis.code.icd10", "Condition", "voorgeschiedenis1", "code.coding.where(system = 'http://hl7.org/fhir/sid/icd-10-nl').code", list("P07.3")},
		{"voorgeschiedenis.tekst", "Condition", "voorgeschiedenis1", "code.text", list("Prematuur")},
		{"voorgeschiedenis.sinds", "Condition", "voorgeschiedenis1", "onset", list("2025")},
		{"allergieen.stof", "AllergyIntolerance", "allergie1", "code.text", list("pinda")},
		{"allergieen.code.sct", "AllergyIntolerance", "allergie1", "code.coding.code", list("91935009")},
		{"allergieen.ernst", "AllergyIntolerance", "allergie1", "reaction.severity", list("severe")},
		{"allergieen.reactie: none", "AllergyIntolerance", "allergie1", "reaction.manifestation.text", list("niet vermeld")},
		{"alerts.tekst", "Flag", "alert1", "code.text", list("Latex")},
		{"alerts.code.sct", "Flag", "alert1", "code.coding.where(system = 'http://snomed.info/sct').code", list("300916003")},
		{"pijn.schaal", "Observation", "pijn", "code.coding.code", list("COMFORT")},
		{"pijn.score", "Observation", "pijn", "value", list("14")},
		{"pijn.op", "Observation", "pijn", "effective", list(at)},
		{"verpleegkundigeProblemen[0].tekst", "Condition", "vp1", "code.text", list("Voedingsprobleem")},
		{"verpleegkundigeProblemen[0].code.sct", "Condition", "vp1", "code.coding.code", list("78164000")},
		{"verpleegkundigeProblemen[0].domein", "Condition", "vp1", "category.coding.where(system.endsWith('/mks-domein')).code", list("medisch")},
		{"verpleegkundigeProblemen[0].interventies[0]", "CarePlan", "vp1.1", "activity.detail.description", list("Sondevoeding geven")},
		{"verpleegkundigeProblemen[0].interventies[1]", "CarePlan", "vp1.2", "activity.detail.description", list("Sonde controleren voor iedere voeding")},
		{"verpleegkundigeProblemen[0].doel", "CarePlan", "vp1.2", on("doel-tekst"), list("Groei volgens eigen curve")},
		{"verpleegkundigeProblemen[1].domein", "Condition", "vp2", "category.coding.where(system.endsWith('/mks-domein')).code", list("ontwikkeling")},
		{"verpleegkundigeProblemen[1].interventies", "CarePlan", "vp2.1", "activity.detail.description", list("Knuffel Beer eerst laten voordoen")},
		{"afspraken.bij", "Encounter", "afspraak1", "serviceProvider.display", list("kinderarts")},
		{"afspraken.op", "Encounter", "afspraak1", "period.start", list("2026-11-20T09:00:00+01:00")},
		{"afspraken.reden", "Encounter", "afspraak1", "reasonCode.text", list("controle")},
	}
}

func lifePlaces() []place {
	return []place{
		{"hulpmiddelen[0].soort", "Device", "hm1", "type.text", list("neusmaagsonde")},
		{"hulpmiddelen[0].code.sct", "Device", "hm1", "type.coding.code", list("17102003")},
		{"hulpmiddelen[0].maat", "Device", "hm1", "property.where(type.coding.code = 'maat').valueCode.text", list("CH8")},
		{"hulpmiddelen[0].lengteCm", "Device", "hm1", "property.where(type.coding.code = 'lengte').valueQuantity.value", list("28")},
		{"hulpmiddelen[0].ingebrachtOp", "DeviceUseStatement", "hm1", "timing.start", list("2026-10-30")},
		{"hulpmiddelen[0].vervangenVoor", "DeviceUseStatement", "hm1", on("vervangen-voor"), list("2026-12-11")},
		{"hulpmiddelen[0].leverancier", "Device", "hm1", on("leverancier"), list("Leverancier Test")},
		{"hulpmiddelen[1].instelling", "DeviceUseStatement", "hm2", "note.text", list("alarmgrens 90%, alleen in de nacht")},
		{"voeding.soort", "NutritionOrder", "voeding", on("voeding-soort"), list("sonde")},
		{"voeding.product", "NutritionOrder", "voeding", "enteralFormula.baseFormulaProductName", list("voorbeeldvoeding")},
		{"voeding.mlPerKeer", "NutritionOrder", "voeding", "enteralFormula.administration.quantity.value", list("120")},
		{"voeding.keerPerDag", "NutritionOrder", "voeding", "enteralFormula.administration.schedule.repeat.frequency", list("6")},
		{"voeding.toedieningsweg", "NutritionOrder", "voeding", "enteralFormula.routeofAdministration.coding.code", list("neusmaagsonde")},
		{"voeding.opmerking", "NutritionOrder", "voeding", "note.text", list("langzaam")},
		{"ontwikkeling.motoriek", "Observation", "ontw-motoriek-302040002", "value.coding.code", list("302040002")},
		{"ontwikkeling.taal", "Observation", "ontw-taal-258116008", "value.coding.code", list("258116008")},
		{"ontwikkeling.sociaal", "Observation", "ontw-sociaal-47041000146107", "value.coding.code", list("47041000146107")},
		{"ontwikkeling.toelichting", "Observation", "ontw", "note.text", list("loopt langs de tafel")},
		{"ziektebeleving.kind", "Observation", "zb-kind", "value", list("huilt bij wisselen")},
		{"ziektebeleving.gezin", "Observation", "zb-gezin", "value", list("ouders zijn moe maar vol vertrouwen")},
		{"gezinssituatie.broersZussen", "Observation", "gezin", "component.value", list("1")},
		{"gezinssituatie.samenstelling", "Observation", "gezin", "value", list("twee ouders, een zus van 4")},
		{"woonsituatie.type", "Observation", "woning", "value.coding.code", list("EENGEZW")},
		{"woonsituatie.toelichting", "Observation", "woning", "note.text", list("trap zonder hek")},
		{"juridisch.gezag", "", "", sectionAt("365867006") + "." + on("gezag-type"), list("TweehoofdigOuderlijkGezag")},
		{"juridisch.ots", "", "", sectionAt("365867006") + "." + on("ots"), list("false")},
		{"wensenKindEnGezin", "", "", sectionAt("773130005") + "." + on("wensen"), list("naar kinderdagverblijf")},
		{"bijzonderhedenKind", "", "", sectionAt("5531000179105") + "." + on("bijzonderheden-kind"), list("knuffel Beer mee bij sonde wisselen")},
		{"bijlagen.titel", "DocumentReference", "bijlage1", "content.attachment.title", list("Ontslagbrief")},
		{"bijlagen.mime", "DocumentReference", "bijlage1", "content.attachment.contentType", list("application/pdf")},
		{"bijlagen.url", "DocumentReference", "bijlage1", "content.attachment.url", list("https://ziekenhuis.example/brief.pdf")},
		{"bijlagen.sha256", "DocumentReference", "bijlage1", on("sha256"), list("9c00df5407fca8647cb60be89006be40d795b499e37a50563eef940a74a43856")},
	}
}

func TestWayBackFindsEveryMemberOfATransfer(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	r := apply(t, k, full(t))
	for _, p := range placesOfFull() {
		n := read(t, k, r.Anchor)
		if p.part != "" {
			n = partOf(t, r, p.typ, p.part)
		}
		if d := cmp.Diff(p.want, evaluated(t, n, p.at)); d != "" {
			t.Errorf("%s (-want +got):\n%s", p.member, d)
		}
	}
}

// evaluated returns the texts of what a FHIRPath selects.
func evaluated(t *testing.T, n fhir.Node, at string) []string {
	t.Helper()
	e, err := path.Compile(at)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	items, err := e.Eval(path.World{}, n)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	var out []string
	for _, i := range items {
		out = append(out, i.Text())
	}
	return out
}

func TestPlainSectionsHoldTheTextAsItCame(t *testing.T) {
	t.Parallel()
	odd := "  eerst <b>&amp; \"dan\" 'zo'\n\n\t2e regel\r\nmet  twee spaties é 👶 \u00a0 "
	sections := map[string]string{
		"vrijheidsbeperking": "225317005", "zorgresultaat": "722091001", "zelfzorg": "365178001", "mobiliteit": "364832000",
		"uitscheiding": "106019003", "huid": "106076001", "zintuigen": "106147001", "mentaal": "36456004",
	}
	k := storedChild(t)
	r := apply(t, k, changed(t, func(_, c map[string]any) {
		for name := range sections {
			c[name] = odd
		}
		c["wensenKindEnGezin"], c["bijzonderhedenKind"] = odd, odd
	}))
	c := read(t, k, r.Anchor)
	sections["wensen"], sections["bijzonderheden"] = "773130005", "5531000179105"
	for name, code := range sections {
		div := evaluated(t, c, sectionAt(code)+".text.`div`")
		if len(div) != 1 || narrativeText(t, div[0]) != odd {
			t.Errorf("%s reads %q", name, div)
		}
	}
	for _, at := range []string{sectionAt("773130005") + "." + on("wensen"), sectionAt("5531000179105") + "." + on("bijzonderheden-kind")} {
		if d := cmp.Diff(list(odd), evaluated(t, c, at)); d != "" {
			t.Errorf("%s (-want +got):\n%s", at, d)
		}
	}
}

// narrativeText reads the text of a div as an XML parser does.
func narrativeText(t *testing.T, div string) string {
	t.Helper()
	var out struct {
		Text string `xml:",chardata"`
	}
	if err := xml.Unmarshal([]byte(div), &out); err != nil {
		t.Fatal(err)
	}
	return out.Text
}

func TestListsOfATransferKeepTheirOrder(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "sanne/01-kind.json")
	r := store(t, k, sanneTransfer)
	var devices []string
	for _, m := range r.Resources {
		if m.Resource.Type() == "Device" {
			devices = append(devices, m.Resource.Root().At("type", "text").Text())
		}
	}
	if d := cmp.Diff(list("PICC-lijn", "PEG-sonde", "voedingspomp"), devices); d != "" {
		t.Errorf("devices (-want +got):\n%s", d)
	}
	c := read(t, k, r.Anchor)
	for code, n := range map[string]int{"300893006": 1, "365178001": 2} { // by tube or not
		if got := evaluated(t, c, entriesOf(code, "DeviceUseStatement")); len(got) != n {
			t.Errorf("section %s has the devices %q, want %d", code, got, n)
		}
	}
}
