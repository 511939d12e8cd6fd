package back

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// scanDomains are the groups of the form and the domains that they ask about, in its order. Read only.
var scanDomains = []struct{ link, domain string }{
	{"hbs.med", "medisch"}, {"hbs.vei", "veiligheid"}, {"hbs.soc", "sociaal"}, {"hbs.ont", "ontwikkeling"},
}

// scan reads the record of mks.md 3.4. All of it stands in the form; the needs repeat it.
func scan(r *record) *rebuild.Value {
	q := r.anchor
	all := rebuild.FirstOf(rebuild.Items(q, "hbs.alg"))
	return rebuild.Object(
		rebuild.M("soort", coded(rebuild.Answer(all, "hbs.alg.soort"))), rebuild.M("vorigeScan", rebuild.Text(rebuild.Answer(all, "hbs.alg.vorige"))),
		rebuild.M("afgenomenOp", rebuild.Each(rebuild.Answers(all, "hbs.alg.datum"), rebuild.Day)), rebuild.M("wijze", rebuild.Each(rebuild.Answers(all, "hbs.alg.wijze"), coded)),
		rebuild.M("afgenomenDoor", r.ref(q.Member("author"))), rebuild.M("gesprekMet", r.refs(rebuild.Answers(all, "hbs.alg.metwie"))),
		rebuild.M("kindGehoord", rebuild.Object(
			rebuild.M("ja", rebuild.Flag(rebuild.Answer(all, "hbs.alg.kindgehoord"))), rebuild.M("reden", coded(rebuild.Answer(all, "hbs.alg.kindgehoord.reden"))))),
		rebuild.M("belangrijkst", rebuild.Text(rebuild.Answer(all, "hbs.alg.belangrijk"))),
		rebuild.M("domeinen", r.scanGroups(q)),
	)
}

// coded reads the code of a Coding.
func coded(n fhir.Node) *rebuild.Value { return rebuild.Text(n.Member("code")) }

// scanGroups reads the domains. In a form of another origin nothing may have been said of one.
func (r *record) scanGroups(q fhir.Node) *rebuild.Value {
	var groups []fhir.Node
	domains := map[string]string{}
	for i := range q.All("item") {
		for _, d := range scanDomains {
			if i.Member("linkId").Text() == d.link {
				groups, domains[d.link] = append(groups, i), d.domain
			}
		}
	}
	var out []*rebuild.Value
	for _, g := range inSourceOrder(groups, "domein") {
		link := g.Member("linkId").Text()
		out = append(out, r.scanGroup(g, link, domains[link]))
	}
	for _, d := range scanDomains {
		if r.foreign() && domains[d.link] == "" {
			out = append(out, rebuild.Object(rebuild.M("domein", rebuild.String(d.domain))))
		}
	}
	return rebuild.List(out...)
}

func (r *record) scanGroup(g fhir.Node, link, domain string) *rebuild.Value {
	var needs []fhir.Node
	for i := range g.All("item") {
		name := i.Member("linkId").Text()
		if strings.HasPrefix(name, link+".") && rebuild.Answer(i, name+".niveau").Exists() {
			needs = append(needs, i)
		}
	}
	said := func(name string) *rebuild.Value { return rebuild.Text(rebuild.Answer(g, link+"."+name)) }
	return rebuild.Object(
		rebuild.M("domein", rebuild.String(domain)), rebuild.M("watGaatGoed", said("goed")),
		rebuild.M("zorgenVan", rebuild.Object(rebuild.M("kind", said("zorgkind")), rebuild.M("ouder", said("zorgouder")), rebuild.M("professional", said("zorgprof")))),
		rebuild.M("behoeften", rebuild.Each(inSourceOrder(needs, domain), r.scanNeed)))
}

// scanNeed reads one item of the form. One of another origin that bears no id is known by its item.
func (r *record) scanNeed(i fhir.Node) *rebuild.Value {
	link := i.Member("linkId").Text()
	of := func(name string) fhir.Node { return rebuild.Answer(i, link+"."+name) }
	id := rebuild.Text(of("id"))
	if id == nil && r.foreign() {
		id = rebuild.String(link)
	}
	return rebuild.Object(
		rebuild.M("id", id), rebuild.M("item", rebuild.String(link)), rebuild.M("code", scanCode(rebuild.Answers(i, link+".code"))), rebuild.M("niveau", coded(of("niveau"))),
		rebuild.M("toelichting", rebuild.Text(of("toelichting"))), rebuild.M("vanWie", coded(of("vanwie"))), rebuild.M("over", r.ref(of("over"))),
		rebuild.M("prioriteit", rebuild.Number(of("prioriteit"))))
}

// scanCode reads a codering from answers: Codings, and the text that stands for none.
func scanCode(all []fhir.Node) *rebuild.Value {
	var members []rebuild.Member
	for _, s := range codingSystems {
		for _, v := range all {
			if v.Member("system").Text() == s.system {
				members = append(members, rebuild.M(s.member, coded(v)))
				break
			}
		}
	}
	for _, v := range all {
		if own := rebuild.Text(v); own != nil {
			return rebuild.Object(append(members, rebuild.M("tekst", own))...)
		}
	}
	return rebuild.Object(members...)
}

// inSourceOrder returns items of the form in the order of their source, which they bear as their id
// where the form has another one.
func inSourceOrder(all []fhir.Node, of string) []fhir.Node {
	place := func(n fhir.Node) int {
		text, _ := strings.CutPrefix(n.Member("id").Text(), of+"-")
		i, err := strconv.Atoi(text)
		if err != nil {
			return 0
		}
		return i
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b fhir.Node) int { return place(a) - place(b) })
	return out
}
