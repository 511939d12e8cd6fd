package back

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// referral reads the record of mks.md 3.3.
func referral(r *record) *rebuild.Value {
	q := r.anchor
	requests := r.requests()
	return rebuild.Object(
		rebuild.M("ingevuldDoor", r.ref(q.Member("author"))), rebuild.M("datum", rebuild.Day(q.Member("authored"))),
		rebuild.M("aanleiding", answered(rebuild.Answer(q, "vb.aanleiding"))),
		rebuild.M("antwoorden", tree(q, "vb.leeftijd", "vb.somatisch", "vb.verantwoordelijk", "vb.handelingen", "vb.handelingenLijst",
			"vb.wlzIndicatie", "vb.blijvend24u", "vb.verstandelijk", "vb.verzorgingGeneeskundig", "vb.adl", "vb.begeleiding",
			"vb.logeeropvang", "vb.opvoeding", "vb.hulpmiddelWoning", "vb.vervoer", "vb.onderwijs", "vb.vkdv", "vb.terminaal")),
		rebuild.M("uitkomsten", r.outcomes(requests)),
		rebuild.M("afwijkingReden", answered(rebuild.Answer(q, "vb.afwijking"))),
		rebuild.M("indicatie", indication(requests)),
	)
}

// treeLists are the answers that are lists. Read only.
var treeLists = []string{"vb.handelingenLijst", "bb.andereBehoeften"}

// tree reads antwoorden: one member per linkId.
func tree(q fhir.Node, links ...string) *rebuild.Value {
	var members []rebuild.Member
	for _, link := range links {
		if slices.Contains(treeLists, link) {
			members = append(members, rebuild.M(link, rebuild.Each(rebuild.Answers(q, link), answered)))
			continue
		}
		members = append(members, rebuild.M(link, answered(rebuild.Answer(q, link))))
	}
	return rebuild.Object(members...)
}

// answered reads an answer of any type: of a Coding its code.
func answered(n fhir.Node) *rebuild.Value {
	if n.Shape() == fhir.Object {
		return rebuild.Text(n.Member("code"))
	}
	for _, read := range []func(fhir.Node) *rebuild.Value{rebuild.Text, rebuild.Number, rebuild.Flag} {
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
func (r *record) outcomes(requests []fhir.Node) *rebuild.Value {
	waiting := map[[2]string][]fhir.Node{}
	for _, s := range requests {
		key := [2]string{rebuild.CodeIn(s.Member("category"), rebuild.CodeSystem("wettelijk-kader")).Text(), requestPart(s)}
		waiting[key] = append(waiting[key], s)
	}
	return rebuild.Each(rebuild.Items(r.anchor, "vb.uitkomst"), func(group fhir.Node) *rebuild.Value {
		law, part := rebuild.Answer(group, "vb.uitkomst.wet").Member("code"), rebuild.Answer(group, "vb.uitkomst.onderdeel").Member("code")
		var s fhir.Node
		key := [2]string{law.Text(), part.Text()}
		if next := waiting[key]; len(next) > 0 {
			s, waiting[key] = next[0], next[1:]
		}
		return rebuild.Object(
			rebuild.M("wet", rebuild.Text(law)), rebuild.M("onderdeel", rebuild.Text(part)), rebuild.M("verantwoordelijke", rebuild.Text(rebuild.Ext(s, "verantwoordelijke"))),
			rebuild.M("indicatiesteller", r.ref(s.Member("requester"))), rebuild.M("uitvoerder", r.ref(rebuild.First(s.Member("performer")))),
			rebuild.M("regels", rebuild.Words(rebuild.Exts(s, "beslisregel"))),
		)
	})
}

// requestPart is the zorgonderdeel of a ServiceRequest.
func requestPart(s fhir.Node) string {
	return rebuild.CodeIn(s.Member("category"), rebuild.CodeSystem("zorgonderdeel")).Text()
}

// indication reads indicatie, which stands on every ServiceRequest with hours.
func indication(requests []fhir.Node) *rebuild.Value {
	var hours []rebuild.Member
	var s fhir.Node
	seen := map[string]bool{}
	for _, x := range requests {
		part, n := requestPart(x), rebuild.Number(x.At("quantityQuantity", "value"))
		if n == nil || seen[part] {
			continue
		}
		seen[part] = true
		if len(hours) == 0 {
			s = x
		}
		hours = append(hours, rebuild.M(part, n))
	}
	period := s.Member("occurrencePeriod")
	return rebuild.Object(
		rebuild.M("leveringsvorm", rebuild.Text(rebuild.Ext(s, "leveringsvorm"))), rebuild.M("urenPerWeek", rebuild.Object(hours...)),
		rebuild.M("vanaf", rebuild.Day(period.Member("start"))), rebuild.M("totEnMet", rebuild.Day(period.Member("end"))),
		rebuild.M("onderbouwing", rebuild.Text(rebuild.First(s.Member("note")).Member("text"))),
	)
}
