package back

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// scanDomains are the groups of the form and the domains that they ask about, in its order. Read only.
var scanDomains = []struct{ link, domain string }{
	{"hbs.med", "medisch"}, {"hbs.vei", "veiligheid"}, {"hbs.soc", "sociaal"}, {"hbs.ont", "ontwikkeling"},
}

// scan reads the record of mks.md 3.4. All of it stands in the form; the needs repeat it.
func scan(r *record) *node {
	q := r.anchor
	all := firstOf(items(q, "hbs.alg"))
	return object(
		m("soort", coded(answer(all, "hbs.alg.soort"))), m("vorigeScan", text(answer(all, "hbs.alg.vorige"))),
		m("afgenomenOp", each(answers(all, "hbs.alg.datum"), day)), m("wijze", each(answers(all, "hbs.alg.wijze"), coded)),
		m("afgenomenDoor", r.ref(q.Member("author"))), m("gesprekMet", r.refs(answers(all, "hbs.alg.metwie"))),
		m("kindGehoord", object(
			m("ja", flag(answer(all, "hbs.alg.kindgehoord"))), m("reden", coded(answer(all, "hbs.alg.kindgehoord.reden"))))),
		m("belangrijkst", text(answer(all, "hbs.alg.belangrijk"))),
		m("domeinen", r.scanGroups(q)),
	)
}

// coded reads the code of a Coding.
func coded(n fhir.Node) *node { return text(n.Member("code")) }

// scanGroups reads the domains. In a form of another origin nothing may have been said of one.
func (r *record) scanGroups(q fhir.Node) *node {
	var groups []fhir.Node
	domains := map[string]string{}
	for i := range q.All("item") {
		for _, d := range scanDomains {
			if i.Member("linkId").Text() == d.link {
				groups, domains[d.link] = append(groups, i), d.domain
			}
		}
	}
	var out []*node
	for _, g := range inSourceOrder(groups, "domein") {
		link := g.Member("linkId").Text()
		out = append(out, r.scanGroup(g, link, domains[link]))
	}
	for _, d := range scanDomains {
		if r.foreign() && domains[d.link] == "" {
			out = append(out, object(m("domein", str(d.domain))))
		}
	}
	return list(out...)
}

func (r *record) scanGroup(g fhir.Node, link, domain string) *node {
	var needs []fhir.Node
	for i := range g.All("item") {
		name := i.Member("linkId").Text()
		if strings.HasPrefix(name, link+".") && answer(i, name+".niveau").Exists() {
			needs = append(needs, i)
		}
	}
	said := func(name string) *node { return text(answer(g, link+"."+name)) }
	return object(
		m("domein", str(domain)), m("watGaatGoed", said("goed")),
		m("zorgenVan", object(m("kind", said("zorgkind")), m("ouder", said("zorgouder")), m("professional", said("zorgprof")))),
		m("behoeften", each(inSourceOrder(needs, domain), r.scanNeed)))
}

// scanNeed reads one item of the form. One of another origin that bears no id is known by its item.
func (r *record) scanNeed(i fhir.Node) *node {
	link := i.Member("linkId").Text()
	of := func(name string) fhir.Node { return answer(i, link+"."+name) }
	id := text(of("id"))
	if id == nil && r.foreign() {
		id = str(link)
	}
	return object(
		m("id", id), m("item", str(link)), m("code", scanCode(answers(i, link+".code"))), m("niveau", coded(of("niveau"))),
		m("toelichting", text(of("toelichting"))), m("vanWie", coded(of("vanwie"))), m("over", r.ref(of("over"))),
		m("prioriteit", number(of("prioriteit"))))
}

// scanCode reads a codering from answers: Codings, and the text that stands for none.
func scanCode(all []fhir.Node) *node {
	var members []member
	for _, s := range codingSystems {
		for _, v := range all {
			if v.Member("system").Text() == s.system {
				members = append(members, m(s.member, coded(v)))
				break
			}
		}
	}
	for _, v := range all {
		if own := text(v); own != nil {
			return object(append(members, m("tekst", own))...)
		}
	}
	return object(members...)
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
