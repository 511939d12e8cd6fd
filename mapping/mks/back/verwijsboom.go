package back

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// referral reads the record of mks.md 3.3.
func referral(r *record) *node {
	q := r.anchor
	requests := r.requests()
	return object(
		m("ingevuldDoor", r.ref(q.Member("author"))), m("datum", day(q.Member("authored"))),
		m("aanleiding", answered(answer(q, "vb.aanleiding"))),
		m("antwoorden", tree(q, "vb.leeftijd", "vb.somatisch", "vb.verantwoordelijk", "vb.handelingen", "vb.handelingenLijst",
			"vb.wlzIndicatie", "vb.blijvend24u", "vb.verstandelijk", "vb.verzorgingGeneeskundig", "vb.adl", "vb.begeleiding",
			"vb.logeeropvang", "vb.opvoeding", "vb.hulpmiddelWoning", "vb.vervoer", "vb.onderwijs", "vb.vkdv", "vb.terminaal")),
		m("uitkomsten", r.outcomes(requests)),
		m("afwijkingReden", answered(answer(q, "vb.afwijking"))),
		m("indicatie", indication(requests)),
	)
}

// treeLists are the answers that are lists. Read only.
var treeLists = []string{"vb.handelingenLijst", "bb.andereBehoeften"}

// tree reads antwoorden: one member per linkId.
func tree(q fhir.Node, links ...string) *node {
	var members []member
	for _, link := range links {
		if slices.Contains(treeLists, link) {
			members = append(members, m(link, each(answers(q, link), answered)))
			continue
		}
		members = append(members, m(link, answered(answer(q, link))))
	}
	return object(members...)
}

// answered reads an answer of any type: of a Coding its code.
func answered(n fhir.Node) *node {
	if n.Shape() == fhir.Object {
		return text(n.Member("code"))
	}
	for _, read := range []func(fhir.Node) *node{text, number, flag} {
		if out := read(n); out != nil {
			return out
		}
	}
	return nil
}

// requests are the ServiceRequests of the record that rest on its answers, in source order.
func (r *record) requests() []fhir.Node {
	return slices.DeleteFunc(r.parts("ServiceRequest", "", ""), func(s fhir.Node) bool {
		for ref := range s.All("supportingInfo", "reference") {
			if to, ok := fhir.ParseRef(ref.Text()); ok && to.Current() == r.anchor.Resource().Ref() {
				return false
			}
		}
		return true
	})
}

// outcomes reads uitkomsten: each group of the form with the next ServiceRequest of its law and part.
func (r *record) outcomes(requests []fhir.Node) *node {
	waiting := map[[2]string][]fhir.Node{}
	for _, s := range requests {
		key := [2]string{codeNode(s.Member("category"), codeSystem("wettelijk-kader")).Text(), requestPart(s)}
		waiting[key] = append(waiting[key], s)
	}
	return each(items(r.anchor, "vb.uitkomst"), func(group fhir.Node) *node {
		law, part := answer(group, "vb.uitkomst.wet").Member("code"), answer(group, "vb.uitkomst.onderdeel").Member("code")
		var s fhir.Node
		key := [2]string{law.Text(), part.Text()}
		if next := waiting[key]; len(next) > 0 {
			s, waiting[key] = next[0], next[1:]
		}
		return object(
			m("wet", text(law)), m("onderdeel", text(part)), m("verantwoordelijke", text(ext(s, "verantwoordelijke"))),
			m("indicatiesteller", r.ref(s.Member("requester"))), m("uitvoerder", r.ref(first(s.Member("performer")))),
			m("regels", words(values(s, "beslisregel"))),
		)
	})
}

// requestPart is the zorgonderdeel of a ServiceRequest.
func requestPart(s fhir.Node) string {
	return codeNode(s.Member("category"), codeSystem("zorgonderdeel")).Text()
}

// indication reads indicatie, which stands on every ServiceRequest with hours.
func indication(requests []fhir.Node) *node {
	var hours []member
	var s fhir.Node
	seen := map[string]bool{}
	for _, x := range requests {
		part, n := requestPart(x), number(x.At("quantityQuantity", "value"))
		if n == nil || seen[part] {
			continue
		}
		seen[part] = true
		if len(hours) == 0 {
			s = x
		}
		hours = append(hours, m(part, n))
	}
	period := s.Member("occurrencePeriod")
	return object(
		m("leveringsvorm", text(ext(s, "leveringsvorm"))), m("urenPerWeek", object(hours...)),
		m("vanaf", day(period.Member("start"))), m("totEnMet", day(period.Member("end"))),
		m("onderbouwing", text(first(s.Member("note")).Member("text"))),
	)
}
