package back

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// plan reads the record of mks.md 3.5.
func plan(r *record) *rebuild.Value {
	p := r.anchor
	division := rebuild.Ext(p, "domeinindeling")
	domain := func(n fhir.Node) *rebuild.Value { return rebuild.Code(n.Member("category"), division.Text()+"-domein") }
	change := rebuild.Extension(p, "wijziging")
	return rebuild.Object(
		rebuild.M("vervangtVersie", rebuild.Number(rebuild.Ext(p, "vervangt-versie"))),
		rebuild.M("ingangsdatum", rebuild.Day(p.At("period", "start"))), rebuild.M("einddatum", rebuild.Day(p.At("period", "end"))),
		rebuild.M("opgesteldDoor", r.ref(p.Member("author"))),
		rebuild.M("opBasisVan", rebuild.Each(rebuild.Nodes(p, "supportingInfo"), r.version)),
		rebuild.M("domeinindeling", rebuild.Text(division)),
		rebuild.M("wijziging", rebuild.Object(
			rebuild.M("soort", rebuild.Words(rebuild.Parts(change, "soort"))), rebuild.M("via", r.ref(rebuild.Part(change, "via"))), rebuild.M("reden", rebuild.Text(rebuild.Part(change, "reden"))))),
		rebuild.M("problemen", rebuild.Each(r.linked(p, "addresses"), func(c fhir.Node) *rebuild.Value { return r.problem(c, domain(c)) })),
		rebuild.M("doelen", rebuild.Each(r.linked(p, "goal"), func(g fhir.Node) *rebuild.Value { return r.goal(g, domain(g)) })),
		rebuild.M("acties", rebuild.Each(r.actions(), func(shares []fhir.Node) *rebuild.Value { return r.action(shares, domain(shares[0])) })),
		rebuild.M("dagprogramma", rebuild.Each(rebuild.Nodes(r.partOfPlan("dagprogramma"), "activity", "detail"), dayLine)),
		rebuild.M("voedingsschema", feeding(r.part("NutritionOrder", "", ""))),
		rebuild.M("noodplan", emergency(r.partOfPlan("noodplan").At("activity", "detail"))),
		rebuild.M("evaluatieplan", rebuild.Each(rebuild.Nodes(p, "activity", "detail"), planned)),
		rebuild.M("handtekeningen", rebuild.Each(r.signatures(), r.signature)),
	)
}

// linked returns the resources that a member of References names, in its order.
func (r *record) linked(n fhir.Node, member string) []fhir.Node {
	var out []fhir.Node
	for ref := range n.All(member) {
		to := r.Get(ref)
		if !to.Exists() {
			r.Warn("incomplete", ruleIncomplete, ref, "A resource of this record is not in the Bundle; what it holds is left out.")
			continue
		}
		out = append(out, to)
	}
	return out
}

func (r *record) problem(c fhir.Node, domain *rebuild.Value) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("id", rebuild.String(r.inRecord(c, "probleem"))), rebuild.M("code", codering(c.Member("code"), nil)), rebuild.M("tekst", rebuild.Text(c.At("code", "text"))),
		rebuild.M("domein", domain), rebuild.M("behoeften", rebuild.Each(rebuild.Nodes(c, "evidence", "detail"), r.needID)))
}

// needID reads the id of a need: what stands behind the record that it is of, when that is known.
func (r *record) needID(ref fhir.Node) *rebuild.Value {
	value := ref.At("identifier", "value").Text()
	if _, id, ok := strings.Cut(value, "#"); ok {
		value = id
	}
	return rebuild.String(value)
}

func (r *record) goal(g fhir.Node, domain *rebuild.Value) *rebuild.Value {
	measure := g.At("target", "measure")
	return rebuild.Object(
		rebuild.M("id", rebuild.String(r.inRecord(g, "doel"))), rebuild.M("probleem", r.idOf(g.Member("addresses"), "probleem")),
		rebuild.M("domein", domain), rebuild.M("tekst", rebuild.Text(g.At("description", "text"))),
		rebuild.M("statusNaam", codering(measure, nil, rebuild.M("tekst", rebuild.Text(measure.Member("text"))))),
		rebuild.M("streefdatum", rebuild.Day(g.At("target", "dueDate"))), rebuild.M("opgesteldMet", r.refs(rebuild.Exts(g, "opgesteld-met"))))
}

// idOf returns the id in its record of the part that a Reference names.
func (r *record) idOf(ref fhir.Node, of string) *rebuild.Value {
	if !ref.Exists() {
		return nil
	}
	to := r.Get(ref)
	if !to.Exists() {
		r.Warn("incomplete", ruleIncomplete, ref, "A resource of this record is not in the Bundle; what it holds is left out.")
		return nil
	}
	return rebuild.String(r.inRecord(to, of))
}

// partOfPlan returns the CarePlan of a category that is part of this plan.
func (r *record) partOfPlan(category string) fhir.Node {
	return rebuild.FirstOf(r.partsOfPlan(category))
}

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
		id := rebuild.Part(rebuild.Extension(n, "actie"), "id").Text()
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
	i, err := strconv.Atoi(rebuild.Part(rebuild.Extension(n, "actie"), "volgnummer").Text())
	if err != nil {
		return 0
	}
	return i
}

// action reads one action of the shares of its executors.
func (r *record) action(shares []fhir.Node, domain *rebuild.Value) *rebuild.Value {
	n := shares[0]
	e, d := rebuild.Extension(n, "actie"), n.At("activity", "detail")
	repeat := d.At("scheduledTiming", "repeat")
	var often *rebuild.Value
	if repeat.Member("frequency").Exists() {
		often = rebuild.Object(
			rebuild.M("aantal", rebuild.Number(repeat.Member("frequency"))), rebuild.M("per", rebuild.Number(repeat.Member("period"))), rebuild.M("eenheid", rebuild.Text(repeat.Member("periodUnit"))))
	}
	return rebuild.Object(
		rebuild.M("id", rebuild.Text(rebuild.Part(e, "id"))), rebuild.M("doel", r.idOf(n.Member("goal"), "doel")), rebuild.M("probleem", r.idOf(n.Member("addresses"), "probleem")),
		rebuild.M("domein", domain), rebuild.M("code", codering(d.Member("code"), profileCode(d))), rebuild.M("instructie", rebuild.Text(d.Member("description"))),
		rebuild.M("tijden", rebuild.Each(rebuild.Parts(e, "tijd"), rebuild.Clock)), rebuild.M("frequentie", often), rebuild.M("conditie", rebuild.Text(rebuild.Part(e, "conditie"))),
		rebuild.M("vanaf", rebuild.Day(n.At("period", "start"))), rebuild.M("totEnMet", rebuild.Day(n.At("period", "end"))),
		rebuild.M("voorbehouden", rebuild.Flag(rebuild.Part(e, "voorbehouden"))), rebuild.M("uitvoerders", rebuild.Each(shares, r.executor)),
		rebuild.M("wet", rebuild.Text(rebuild.Part(e, "wet"))), rebuild.M("onderdeel", rebuild.Text(rebuild.Part(e, "onderdeel"))))
}

// profileCode tells the coding that a profile asks for from the source's: an activity with a text of
// its code has no SNOMED CT code of the source.
func profileCode(detail fhir.Node) func(fhir.Node) bool {
	if !detail.At("code", "text").Exists() {
		return nil
	}
	return func(c fhir.Node) bool { return c.Member("system").Text() == snomed }
}

func (r *record) executor(n fhir.Node) *rebuild.Value {
	e, d := rebuild.Extension(n, "actie"), n.At("activity", "detail")
	var moments *rebuild.Value
	if rebuild.Part(e, "momentenGegeven").Text() == "true" {
		moments = rebuild.Each(rebuild.Nodes(d, "scheduledTiming", "repeat", "timeOfDay"), rebuild.Clock)
	}
	able := rebuild.FirstOf(rebuild.WithURL(e, "bekwaam"))
	return rebuild.Object(
		rebuild.M("soort", rebuild.Text(rebuild.Part(e, "uitvoerderSoort"))), rebuild.M("ref", r.ref(rebuild.First(d.Member("performer")))), rebuild.M("momenten", moments),
		rebuild.M("bekwaam", rebuild.Object(rebuild.M("op", rebuild.Day(rebuild.Part(able, "op"))), rebuild.M("door", r.ref(rebuild.Part(able, "door"))))))
}

// dayLine reads a line of the day programme: its end is its beginning and how long it takes.
func dayLine(d fhir.Node) *rebuild.Value {
	repeat := d.At("scheduledTiming", "repeat")
	from := rebuild.First(repeat.Member("timeOfDay"))
	return rebuild.Object(
		rebuild.M("van", rebuild.Clock(from)), rebuild.M("tot", after(from.Text(), repeat.Member("duration").Text())), rebuild.M("tekst", rebuild.Text(d.Member("description"))))
}

// after returns the time of the day that lies some minutes after another, possibly behind midnight.
func after(from, minutes string) *rebuild.Value {
	start, err := time.Parse(time.TimeOnly, from)
	n, notWhole := strconv.Atoi(minutes)
	if err != nil || notWhole != nil || n < 0 || n > 24*60 {
		return nil
	}
	end := start.Add(time.Duration(n) * time.Minute)
	return rebuild.String(fmt.Sprintf("%02d:%02d", end.Hour(), end.Minute()))
}

// feeding reads a feeding scheme of a plan or a transfer.
func feeding(o fhir.Node) *rebuild.Value {
	formula, diet := o.Member("enteralFormula"), o.Member("oralDiet")
	kind := rebuild.Text(rebuild.Ext(o, "voeding-soort"))
	note := rebuild.M("opmerking", rebuild.Text(o.At("note", "text")))
	if formula.Exists() {
		given := formula.At("administration")
		return rebuild.Object(
			rebuild.M("soort", kind), rebuild.M("product", rebuild.Text(formula.Member("baseFormulaProductName"))),
			rebuild.M("mlPerKeer", rebuild.Number(given.At("quantity", "value"))), rebuild.M("keerPerDag", rebuild.Number(given.At("schedule", "repeat", "frequency"))),
			rebuild.M("toedieningsweg", rebuild.Code(formula.Member("routeofAdministration"), "toedieningsweg")), note)
	}
	return rebuild.Object(
		rebuild.M("soort", kind), rebuild.M("product", rebuild.Text(diet.Member("instruction"))),
		rebuild.M("mlPerKeer", rebuild.Number(rebuild.Ext(o, "ml-per-keer").Member("value"))), rebuild.M("keerPerDag", rebuild.Number(diet.At("schedule", "repeat", "frequency"))),
		rebuild.M("toedieningsweg", rebuild.Text(rebuild.Ext(o, "toedieningsweg"))), note)
}

func emergency(d fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("signalen", rebuild.Text(d.At("reasonCode", "text"))), rebuild.M("actie", rebuild.Text(d.Member("description"))), rebuild.M("telefoon", rebuild.Text(rebuild.Ext(d, "noodtelefoon"))))
}

// planned reads an evaluation that the plan asks for.
func planned(d fhir.Node) *rebuild.Value {
	repeat := d.At("scheduledTiming", "repeat")
	return rebuild.Object(
		rebuild.M("soort", rebuild.Code(d.Member("code"), "evaluatie-soort")), rebuild.M("perJaar", rebuild.Number(repeat.Member("frequency"))),
		rebuild.M("wijze", rebuild.Text(rebuild.Ext(d, "afname-wijze"))), rebuild.M("deelnemers", rebuild.Words(rebuild.Exts(d, "deelnemer-rol"))),
		rebuild.M("volgende", rebuild.Day(repeat.At("boundsPeriod", "start"))))
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

func (r *record) signature(n fhir.Node) *rebuild.Value {
	s := n.At("signature")
	return rebuild.Object(
		rebuild.M("door", r.ref(s.At("who"))), rebuild.M("op", rebuild.Text(s.At("when"))),
		rebuild.M("versie", rebuild.Number(rebuild.Ext(n, "versie"))), rebuild.M("wijze", rebuild.Text(rebuild.Ext(n, "handtekening-wijze"))))
}
