package record

import (
	"slices"
	"strings"

	"github.com/drieluik/drieluik/mapping/form"
)

// scan is the record type hulpbehoeftescan of mks.md 3.4: what child and family need, per child-life
// domain.
func scan() Type {
	return Type{
		Name: "hulpbehoeftescan", Anchor: "QuestionnaireResponse", Fields: scanFields(),
		Local: checkScan,
	}
}

// scanFields is the member table of mks.md 3.4.
func scanFields() form.Fields {
	need := form.Object(
		form.F("id", "1", ident), form.F("item", "1", Str), form.F("code", "0..1", codering), form.F("niveau", "1", code("behoefte-niveau")),
		form.F("toelichting", "0..1", text), form.F("vanWie", "0..1", code("perspectief")), form.F("over", "0..1", ref("bet")),
		form.F("prioriteit", "0..1", posInt))
	return form.Fields{
		form.F("soort", "1", code("scan-soort")), form.F("vorigeScan", "0..1", Str), form.F("afgenomenOp", "1..*", date),
		form.F("wijze", "1..*", code("afname-wijze")), form.F("afgenomenDoor", "1", ref("med")), form.F("gesprekMet", "1..*", ref("bet", "kind")),
		form.F("kindGehoord", "1", form.Object(form.F("ja", "1", boolean), form.F("reden", "0..1", code("niet-gehoord-reden")))),
		form.F("belangrijkst", "0..1", text),
		form.F("domeinen", "4", form.Object(
			form.F("domein", "1", code("mks-domein")), form.F("watGaatGoed", "0..1", text),
			form.F("zorgenVan", "0..1", form.Object(form.F("kind", "0..1", text), form.F("ouder", "0..1", text), form.F("professional", "0..1", text))),
			form.F("behoeften", "0..*", need).FreeIDs())).Instead("MKS-HBS-01").EachOnce("domein"),
	}
}

// scanGroup is the group of a domain in the form: its linkId and its items, in the order of the form.
type scanGroup struct {
	Domain, Link string
	items        []string
}

// ScanGroups are the groups of the Questionnaire (mks.md 6.1). Read only.
var ScanGroups = []scanGroup{
	{"medisch", "hbs.med", strings.Fields("voeding ademhaling medicatie huid uitscheiding pijn hulpmiddelen verpltech")},
	{"veiligheid", "hbs.vei", strings.Fields("noodsituatie bekwaamheid woning toezicht hygiene thuisveilig")},
	{"sociaal", "hbs.soc", strings.Fields("draagkracht broerzus netwerk respijt werkinkomen taalcultuur")},
	{"ontwikkeling", "hbs.ont", strings.Fields("motoriek taal cognitie emotie spel onderwijs zelfstandig")},
}

// ScanPlace returns the place of a domain in the form, -1 when it is none.
func ScanPlace(domain string) int {
	return slices.IndexFunc(ScanGroups, func(g scanGroup) bool { return g.Domain == domain })
}

// Place returns the place of an item, such as "hbs.med.huid", in the group, -1 when it is not its.
func (g scanGroup) Place(item string) int {
	name, ok := strings.CutPrefix(item, g.Link+".")
	if !ok {
		return -1
	}
	return slices.Index(g.items, name)
}
