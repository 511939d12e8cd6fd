package mks

import (
	"slices"
	"strings"
)

// scan is the record type hulpbehoeftescan of mks.md 3.4: what child and family need, per child-life
// domain.
func scan() record {
	return record{
		name: "hulpbehoeftescan", anchor: "QuestionnaireResponse", fields: scanFields(),
		local: checkScan, stored: checkStoredScan, write: writeScan,
	}
}

// scanFields is the member table of mks.md 3.4.
func scanFields() fields {
	need := obj(
		f("id", "1", ident), f("item", "1", str), f("code", "0..1", codering), f("niveau", "1", code("behoefte-niveau")),
		f("toelichting", "0..1", text), f("vanWie", "0..1", code("perspectief")), f("over", "0..1", ref("bet")),
		f("prioriteit", "0..1", posInt))
	return fields{
		f("soort", "1", code("scan-soort")), f("vorigeScan", "0..1", str), f("afgenomenOp", "1..*", date),
		f("wijze", "1..*", code("afname-wijze")), f("afgenomenDoor", "1", ref("med")), f("gesprekMet", "1..*", ref("bet", "kind")),
		f("kindGehoord", "1", obj(f("ja", "1", boolean), f("reden", "0..1", code("niet-gehoord-reden")))),
		f("belangrijkst", "0..1", text),
		f("domeinen", "4", obj(
			f("domein", "1", code("mks-domein")), f("watGaatGoed", "0..1", text),
			f("zorgenVan", "0..1", obj(f("kind", "0..1", text), f("ouder", "0..1", text), f("professional", "0..1", text))),
			f("behoeften", "0..*", need))).instead("MKS-HBS-01").eachOnce("domein"),
	}
}

// scanGroup is the group of a domain in the form: its linkId and its items, in the order of the form.
type scanGroup struct {
	domain, link string
	items        []string
}

// scanGroups are the groups of the Questionnaire (mks.md 6.1). Read only.
var scanGroups = []scanGroup{
	{"medisch", "hbs.med", strings.Fields("voeding ademhaling medicatie huid uitscheiding pijn hulpmiddelen verpltech")},
	{"veiligheid", "hbs.vei", strings.Fields("noodsituatie bekwaamheid woning toezicht hygiene thuisveilig")},
	{"sociaal", "hbs.soc", strings.Fields("draagkracht broerzus netwerk respijt werkinkomen taalcultuur")},
	{"ontwikkeling", "hbs.ont", strings.Fields("motoriek taal cognitie emotie spel onderwijs zelfstandig")},
}

// scanPlace returns the place of a domain in the form, -1 when it is none.
func scanPlace(domain string) int {
	return slices.IndexFunc(scanGroups, func(g scanGroup) bool { return g.domain == domain })
}

// place returns the place of an item, such as "hbs.med.huid", in the group, -1 when it is not its.
func (g scanGroup) place(item string) int {
	name, ok := strings.CutPrefix(item, g.link+".")
	if !ok {
		return -1
	}
	return slices.Index(g.items, name)
}
