package back

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// plan reads the record of mks.md 3.5.
func plan(r *record) *node {
	p := r.anchor
	division := ext(p, "domeinindeling")
	domain := func(n fhir.Node) *node { return code(n.Member("category"), division.Text()+"-domein") }
	change := extension(p, "wijziging")
	return object(
		m("vervangtVersie", number(ext(p, "vervangt-versie"))),
		m("ingangsdatum", day(p.At("period", "start"))), m("einddatum", day(p.At("period", "end"))),
		m("opgesteldDoor", r.ref(p.Member("author"))),
		m("opBasisVan", each(nodes(p, "supportingInfo"), r.version)),
		m("domeinindeling", text(division)),
		m("wijziging", object(
			m("soort", words(partsOf(change, "soort"))), m("via", r.ref(part(change, "via"))), m("reden", text(part(change, "reden"))))),
		m("problemen", each(r.linked(p, "addresses"), func(c fhir.Node) *node { return r.problem(c, domain(c)) })),
		m("doelen", each(r.linked(p, "goal"), func(g fhir.Node) *node { return r.goal(g, domain(g)) })),
		m("acties", each(r.actions(), func(shares []fhir.Node) *node { return r.action(shares, domain(shares[0])) })),
		m("dagprogramma", each(nodes(r.partOfPlan("dagprogramma"), "activity", "detail"), dayLine)),
		m("voedingsschema", feeding(r.part("NutritionOrder", "", ""))),
		m("noodplan", emergency(r.partOfPlan("noodplan").At("activity", "detail"))),
		m("evaluatieplan", each(nodes(p, "activity", "detail"), planned)),
		m("handtekeningen", each(r.signatures(), r.signature)),
	)
}

// linked returns the resources that a member of References names, in its order.
func (r *record) linked(n fhir.Node, member string) []fhir.Node {
	var out []fhir.Node
	for ref := range n.All(member) {
		to := r.get(ref)
		if !to.Exists() {
			r.warn("incomplete", ruleIncomplete, ref, "A resource of this record is not in the Bundle; what it holds is left out.")
			continue
		}
		out = append(out, to)
	}
	return out
}

func (r *record) problem(c fhir.Node, domain *node) *node {
	return object(
		m("id", str(r.inRecord(c, "probleem"))), m("code", codering(c.Member("code"), nil)), m("tekst", text(c.At("code", "text"))),
		m("domein", domain), m("behoeften", each(nodes(c, "evidence", "detail"), r.needID)))
}

// needID reads the id of a need: what stands behind the record that it is of, when that is known.
func (r *record) needID(ref fhir.Node) *node {
	value := ref.At("identifier", "value").Text()
	if _, id, ok := strings.Cut(value, "#"); ok {
		value = id
	}
	return str(value)
}

func (r *record) goal(g fhir.Node, domain *node) *node {
	measure := g.At("target", "measure")
	return object(
		m("id", str(r.inRecord(g, "doel"))), m("probleem", r.idOf(g.Member("addresses"), "probleem")),
		m("domein", domain), m("tekst", text(g.At("description", "text"))),
		m("statusNaam", codering(measure, nil, m("tekst", text(measure.Member("text"))))),
		m("streefdatum", day(g.At("target", "dueDate"))), m("opgesteldMet", r.refs(values(g, "opgesteld-met"))))
}

// idOf returns the id in its record of the part that a Reference names.
func (r *record) idOf(ref fhir.Node, of string) *node {
	if !ref.Exists() {
		return nil
	}
	to := r.get(ref)
	if !to.Exists() {
		r.warn("incomplete", ruleIncomplete, ref, "A resource of this record is not in the Bundle; what it holds is left out.")
		return nil
	}
	return str(r.inRecord(to, of))
}

// partOfPlan returns the CarePlan of a category that is part of this plan.
func (r *record) partOfPlan(category string) fhir.Node { return firstOf(r.partsOfPlan(category)) }

func (r *record) partsOfPlan(category string) []fhir.Node {
	mine := r.anchor.Resource().Ref().String()
	return slices.DeleteFunc(r.parts("CarePlan", "mks-categorie", category), func(n fhir.Node) bool {
		return n.At("partOf", "reference").Text() != mine
	})
}

// actions groups the shares of the executors: one group per action in order of appearance, each in the
// order of the executors.
func (r *record) actions() [][]fhir.Node {
	var out [][]fhir.Node
	at := map[string]int{}
	for _, n := range r.partsOfPlan("actie") {
		id := part(extension(n, "actie"), "id").Text()
		i, known := at[id]
		if !known {
			i = len(out)
			at[id], out = i, append(out, nil)
		}
		out[i] = append(out[i], n)
	}
	for _, shares := range out {
		slices.SortStableFunc(shares, func(a, b fhir.Node) int { return cmp.Compare(serial(a), serial(b)) })
	}
	return out
}

// serial is the number of an executor, 0 when there is none.
func serial(n fhir.Node) int {
	i, err := strconv.Atoi(part(extension(n, "actie"), "volgnummer").Text())
	if err != nil {
		return 0
	}
	return i
}

// action reads one action of the shares of its executors.
func (r *record) action(shares []fhir.Node, domain *node) *node {
	n := shares[0]
	e, d := extension(n, "actie"), n.At("activity", "detail")
	repeat := d.At("scheduledTiming", "repeat")
	var often *node
	if repeat.Member("frequency").Exists() {
		often = object(
			m("aantal", number(repeat.Member("frequency"))), m("per", number(repeat.Member("period"))), m("eenheid", text(repeat.Member("periodUnit"))))
	}
	return object(
		m("id", text(part(e, "id"))), m("doel", r.idOf(n.Member("goal"), "doel")), m("probleem", r.idOf(n.Member("addresses"), "probleem")),
		m("domein", domain), m("code", codering(d.Member("code"), profileCode(d))), m("instructie", text(d.Member("description"))),
		m("tijden", each(partsOf(e, "tijd"), clock)), m("frequentie", often), m("conditie", text(part(e, "conditie"))),
		m("vanaf", day(n.At("period", "start"))), m("totEnMet", day(n.At("period", "end"))),
		m("voorbehouden", flag(part(e, "voorbehouden"))), m("uitvoerders", each(shares, r.executor)),
		m("wet", text(part(e, "wet"))), m("onderdeel", text(part(e, "onderdeel"))))
}

// profileCode tells the coding that a profile asks for from the source's: an activity with a text of
// its code has no SNOMED CT code of the source.
func profileCode(detail fhir.Node) func(fhir.Node) bool {
	if !detail.At("code", "text").Exists() {
		return nil
	}
	return func(c fhir.Node) bool { return c.Member("system").Text() == snomed }
}

func (r *record) executor(n fhir.Node) *node {
	e, d := extension(n, "actie"), n.At("activity", "detail")
	var moments *node
	if part(e, "momentenGegeven").Text() == "true" {
		moments = each(nodes(d, "scheduledTiming", "repeat", "timeOfDay"), clock)
	}
	able := firstOf(withURL(e, "bekwaam"))
	return object(
		m("soort", text(part(e, "uitvoerderSoort"))), m("ref", r.ref(first(d.Member("performer")))), m("momenten", moments),
		m("bekwaam", object(m("op", day(part(able, "op"))), m("door", r.ref(part(able, "door"))))))
}

// dayLine reads a line of the day programme: its end is its beginning and how long it takes.
func dayLine(d fhir.Node) *node {
	repeat := d.At("scheduledTiming", "repeat")
	from := first(repeat.Member("timeOfDay"))
	return object(
		m("van", clock(from)), m("tot", after(from.Text(), repeat.Member("duration").Text())), m("tekst", text(d.Member("description"))))
}

// after returns the time of the day that lies some minutes after another, possibly behind midnight.
func after(from, minutes string) *node {
	start, err := time.Parse(time.TimeOnly, from)
	n, notWhole := strconv.Atoi(minutes)
	if err != nil || notWhole != nil || n < 0 || n > 24*60 {
		return nil
	}
	end := start.Add(time.Duration(n) * time.Minute)
	return str(fmt.Sprintf("%02d:%02d", end.Hour(), end.Minute()))
}

// feeding reads a feeding scheme of a plan or a transfer.
func feeding(o fhir.Node) *node {
	formula, diet := o.Member("enteralFormula"), o.Member("oralDiet")
	kind := text(ext(o, "voeding-soort"))
	note := m("opmerking", text(o.At("note", "text")))
	if formula.Exists() {
		given := formula.At("administration")
		return object(
			m("soort", kind), m("product", text(formula.Member("baseFormulaProductName"))),
			m("mlPerKeer", number(given.At("quantity", "value"))), m("keerPerDag", number(given.At("schedule", "repeat", "frequency"))),
			m("toedieningsweg", code(formula.Member("routeofAdministration"), "toedieningsweg")), note)
	}
	return object(
		m("soort", kind), m("product", text(diet.Member("instruction"))),
		m("mlPerKeer", number(ext(o, "ml-per-keer").Member("value"))), m("keerPerDag", number(diet.At("schedule", "repeat", "frequency"))),
		m("toedieningsweg", text(ext(o, "toedieningsweg"))), note)
}

func emergency(d fhir.Node) *node {
	return object(
		m("signalen", text(d.At("reasonCode", "text"))), m("actie", text(d.Member("description"))), m("telefoon", text(ext(d, "noodtelefoon"))))
}

// planned reads an evaluation that the plan asks for.
func planned(d fhir.Node) *node {
	repeat := d.At("scheduledTiming", "repeat")
	return object(
		m("soort", code(d.Member("code"), "evaluatie-soort")), m("perJaar", number(repeat.Member("frequency"))),
		m("wijze", text(ext(d, "afname-wijze"))), m("deelnemers", words(values(d, "deelnemer-rol"))),
		m("volgende", day(repeat.At("boundsPeriod", "start"))))
}

// signatures returns the Provenances with a signature that came with the record, by their time.
func (r *record) signatures() []fhir.Node {
	all := slices.DeleteFunc(r.parts("Provenance", "", ""), func(n fhir.Node) bool {
		return !n.Member("signature").Exists() || n.At("target", "reference").Text() != r.anchor.Resource().Ref().String()
	})
	slices.SortStableFunc(all, func(a, b fhir.Node) int { return signed(a).Compare(signed(b)) })
	return all
}

func signed(n fhir.Node) time.Time {
	t, err := time.Parse(time.RFC3339Nano, n.At("signature", "when").Text())
	if err != nil {
		return time.Time{}
	}
	return t
}

func (r *record) signature(n fhir.Node) *node {
	s := n.At("signature")
	return object(
		m("door", r.ref(s.At("who"))), m("op", text(s.At("when"))),
		m("versie", number(ext(n, "versie"))), m("wijze", text(ext(n, "handtekening-wijze"))))
}
