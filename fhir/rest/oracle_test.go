package rest_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/r4"
)

// TestEverySearchIsAFilterOverReads asks random searches, with chains, _has, composites and
// includes, as the principals of the access vectors, over the families of the vectors and random
// resources about two of them. The answer must be what comes of reading each resource by itself and
// keeping those whose elements meet the query.
func TestEverySearchIsAFilterOverReads(t *testing.T) {
	file := vectors(t)
	asked, nonEmpty, hidden := 0, 0, 0
	for i, c := range file.Cases {
		if c.Principal.Token != "" || c.Principal.BTG != nil || c.Principal.Role == auth.Admin || i%3 != 0 {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			o := newOracle(t, file, c, rnd)
			hidden += len(o.all) - len(o.visible)
			for range 25 {
				q := o.question(rnd)
				a := o.g.get("case", q.url(3))
				if a.status == http.StatusForbidden {
					continue // no scope to search a type of the chain, or no representation
				}
				matches, included := o.pages(q, a)
				wantMatches, wantIncluded := o.answer(q)
				asked++
				if len(wantMatches) > 0 {
					nonEmpty++
				}
				if diff := gocmp.Diff(wantMatches, matches); diff != "" {
					t.Errorf("%s (-read +found): %s", q.url(3), diff)
				}
				if diff := gocmp.Diff(wantIncluded, included); diff != "" {
					t.Errorf("%s includes (-read +found): %s", q.url(3), diff)
				}
			}
		})
	}
	if asked < 150 || nonEmpty < 50 || hidden < 100 {
		t.Errorf("%d asked, %d with matches, %d resources hidden: shows too little", asked, nonEmpty, hidden)
	}
}

// oracle is what a principal can read.
type oracle struct {
	t       *testing.T
	g       *rig
	all     []string
	visible map[string]*fhir.Resource
}

func newOracle(t *testing.T, file caseFile, c accessCase, rnd *rand.Rand) *oracle {
	t.Helper()
	c.Use = slices.Clone(c.Use)
	for _, ref := range []string{"Organization/org-01", "Organization/org-02", "Organization/org-03", "Patient/kind-1001", "Patient/kind-1002"} {
		if !slices.Contains(c.Use, ref) && !slices.ContainsFunc(c.With, func(r json.RawMessage) bool {
			return strings.Contains(string(r), `"id":"`+ref[strings.IndexByte(ref, '/')+1:]+`"`)
		}) {
			c.Use = append(c.Use, ref)
		}
	}
	owner := map[string]string{}
	for ref, by := range c.Owner {
		owner[ref] = by
	}
	c.Owner = owner
	for _, text := range drawn(rnd) {
		c.With = append(c.With, text)
		ref := refIn(t, text)
		owner[ref] = fmt.Sprintf("Organization/org-0%d", 1+rnd.IntN(3))
	}
	o := &oracle{t: t, g: prepare(t, file, c), visible: map[string]*fhir.Resource{}}
	o.all = append(o.all, c.Use...)
	for _, text := range c.With {
		o.all = append(o.all, refIn(t, text))
	}
	slices.Sort(o.all)
	o.all = slices.Compact(o.all)
	for _, ref := range o.all {
		if a := o.g.get("case", "/fhir/"+ref); a.status == http.StatusOK {
			r, issues := fhir.Parse([]byte(a.body), fhir.Limits{})
			if r == nil {
				t.Fatal(issues)
			}
			o.visible[ref] = r
		}
	}
	return o
}

func refIn(t *testing.T, text json.RawMessage) string {
	t.Helper()
	r := decode[struct{ ResourceType, ID string }](t, string(text))
	return r.ResourceType + "/" + r.ID
}

// drawn makes resources about two children, that refer to each other and across.
func drawn(rnd *rand.Rand) []json.RawMessage {
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	var out []json.RawMessage
	for n := range 30 {
		kind := pick("Observation", "CarePlan", "Goal")
		child := pick("kind-1001", "kind-1002")
		day := fmt.Sprintf("2026-0%d-1%d", 1+rnd.IntN(3), rnd.IntN(4))
		body := fmt.Sprintf(`"id":"x%d","meta":{"tag":[{"system":"%s/CodeSystem/mks-domein","code":"%s"}]},"subject":{"reference":"Patient/%s"}`,
			n, fhir.Canonical, pick("medisch", "medisch", "sociaal"), child)
		link := func(member, kind string) string {
			return fmt.Sprintf(`,"%s":[{"reference":"%s/x%d"}]`, member, kind, rnd.IntN(30))
		}
		switch kind {
		case "Observation":
			body += fmt.Sprintf(`,"status":"%s","code":{"coding":[{"system":"s","code":"%s"}]},"effectiveDateTime":"%s","valueQuantity":{"value":%d}`,
				pick("final", "amended"), pick("a", "b"), day, rnd.IntN(4))
			body += link("hasMember", "Observation") + link("focus", pick("CarePlan", "Goal"))
			body += fmt.Sprintf(`,"performer":[{"reference":"%s"}]`, pick("Patient/kind-1001", "Patient/kind-1002", "Organization/org-01", "Organization/org-02"))
		case "CarePlan":
			body += fmt.Sprintf(`,"status":"%s","intent":"plan","period":{"start":"%s","end":"2026-04-01"}`, pick("active", "draft"), day)
			body += link("goal", "Goal") + link("replaces", "CarePlan")
		case "Goal":
			body += fmt.Sprintf(`,"lifecycleStatus":"%s","description":{"text":"d"},"startDate":"%s"`, pick("active", "proposed"), day)
			body += link("outcomeReference", "Observation")
		}
		out = append(out, json.RawMessage(`{"resourceType":"`+kind+`",`+body+`}`))
	}
	return out
}

// condition is one parameter of a question, or a chain to one.
type condition struct {
	param, modifier, value string
	to                     string // chain: type at its end
	back                   bool   // _has: to refers here by param
	next                   *condition
}

func (c *condition) name() string {
	switch {
	case c.next == nil:
		return strings.TrimSuffix(c.param+":"+c.modifier, ":")
	case c.back:
		return "_has:" + c.to + ":" + c.param + ":" + c.next.name()
	}
	return c.param + ":" + c.to + "." + c.next.name()
}

func (c *condition) last() *condition {
	for c.next != nil {
		c = c.next
	}
	return c
}

// question is a search.
type question struct {
	kind       string
	within     string // Patient whose compartment is searched
	conditions []condition
	include    string // Type:param
	revinclude string
	sort       string
}

func (q question) url(count int) string {
	v := url.Values{"_count": {strconv.Itoa(count)}, "_total": {"accurate"}}
	for _, c := range q.conditions {
		v.Add(c.name(), c.last().value)
	}
	for name, value := range map[string]string{"_include": q.include, "_revinclude": q.revinclude, "_sort": q.sort} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.within != "" {
		return "/fhir/" + q.within + "/" + q.kind + "?" + v.Encode()
	}
	return "/fhir/" + q.kind + "?" + v.Encode()
}

// plain are conditions on one resource, by type.
var plain = map[string][]condition{
	"Observation": {
		{param: "status", value: "final"}, {param: "status", modifier: "not", value: "final"}, {param: "code", value: "s|a"},
		{param: "code", value: "b,c"}, {param: "date", value: "ge2026-02-11"}, {param: "date", value: "lt2026-02-12"}, {param: "date", value: "2026-01-10"},
		{param: "value-quantity", value: "gt1"}, {param: "has-member", modifier: "missing", value: "true"}, {param: "subject", value: "Patient/kind-1001"},
		{param: "patient", value: "kind-1002"}, {param: "code-value-quantity", value: "a$2"}, {param: "performer", value: "Organization/org-02"},
		{param: "performer", value: "Patient/kind-1002"},
		{param: "_id", value: "x1,x2,x3,x4,x5,x6"},
	},
	"CarePlan": {
		{param: "status", value: "active"}, {param: "date", value: "ge2026-02-01"}, {param: "goal", value: "Goal/x3,Goal/x4,Goal/x5"},
		{param: "subject", value: "Patient/kind-1001"}, {param: "category", modifier: "missing", value: "false"}, {param: "_tag", value: "sociaal"},
	},
	"Goal": {{param: "lifecycle-status", value: "active"}, {param: "start-date", value: "lt2026-02-11"}, {param: "patient", value: "kind-1001,kind-1002"}},
	"Patient": {{param: "_id", value: "kind-1001,kind-1002"}, {param: "_id", value: "kind-1002"},
		{param: "birthdate", value: "lt2016"}, {param: "birthdate", value: "lt2024"}, {param: "address", modifier: "missing", value: "true"}, {param: "identifier", modifier: "missing", value: "false"}},
}

// hops are the references of the drawn resources.
var hops = []condition{
	{param: "goal", to: "Goal"}, {param: "subject", to: "Patient"}, {param: "patient", to: "Patient"}, {param: "replaces", to: "CarePlan"},
	{param: "has-member", to: "Observation"}, {param: "focus", to: "Goal"}, {param: "focus", to: "CarePlan"}, {param: "performer", to: "Patient"},
}

// sources are the types that have each parameter of hops.
var sources = map[string][]string{
	"goal": {"CarePlan"}, "subject": {"CarePlan", "Observation", "Goal"}, "patient": {"CarePlan", "Observation", "Goal"}, "replaces": {"CarePlan"},
	"has-member": {"Observation"}, "focus": {"Observation"}, "performer": {"Observation"},
}

func (o *oracle) question(rnd *rand.Rand) question {
	q := question{kind: []string{"Observation", "CarePlan", "Goal", "Patient"}[rnd.IntN(4)]}
	if rnd.IntN(4) == 0 {
		q.within = []string{"Patient/kind-1001", "Patient/kind-1002"}[rnd.IntN(2)]
	}
	for range rnd.IntN(3) {
		q.conditions = append(q.conditions, draw(rnd, q.kind, 3))
	}
	for _, h := range rnd.Perm(len(hops)) {
		hop := hops[h]
		from := sources[hop.param][rnd.IntN(len(sources[hop.param]))]
		if from == q.kind && rnd.IntN(3) == 0 {
			q.include = from + ":" + hop.param + ":" + hop.to
		}
		if hop.to == q.kind && rnd.IntN(3) == 0 {
			q.revinclude = from + ":" + hop.param
		}
	}
	q.sort = []string{"", "_id", "-_lastUpdated,_id"}[rnd.IntN(3)]
	return q
}

// draw makes a condition on resources of a type, with at most so many hops.
func draw(rnd *rand.Rand, kind string, steps int) condition {
	if steps > 0 && rnd.IntN(2) == 0 {
		for _, h := range rnd.Perm(len(hops)) {
			hop := hops[h]
			from := sources[hop.param][rnd.IntN(len(sources[hop.param]))]
			switch {
			case hop.to == kind && rnd.IntN(2) == 0:
				next := draw(rnd, from, steps-1)
				return condition{param: hop.param, to: from, back: true, next: &next}
			case from == kind:
				next := draw(rnd, hop.to, steps-1)
				return condition{param: hop.param, to: hop.to, next: &next}
			}
		}
	}
	return plain[kind][rnd.IntN(len(plain[kind]))]
}

// pages returns all matches and all that is included, sorted, and checks each page.
func (o *oracle) pages(q question, a answer) (matches, included []string) {
	o.t.Helper()
	matches, included = []string{}, []string{}
	total := -1
	for n := 0; n < 40; n++ {
		b := decode[searchset](o.t, a.want(o.t, http.StatusOK).body)
		if total >= 0 && b.Total != total {
			o.t.Errorf("%s: total %d, then %d", q.url(3), total, b.Total)
		}
		total = b.Total
		for _, e := range b.Entry {
			ref := e.Resource.ResourceType + "/" + e.Resource.ID
			if e.Search.Mode == "match" {
				matches = append(matches, ref)
			} else {
				included = append(included, ref)
			}
		}
		next := b.link("next")
		if next == "" {
			break
		}
		a = o.g.get("case", next)
	}
	if len(matches) != total {
		o.t.Errorf("%s: total %d of %d matches", q.url(3), total, len(matches))
	}
	slices.Sort(matches)
	slices.Sort(included)
	included = slices.DeleteFunc(slices.Compact(included), func(ref string) bool { return slices.Contains(matches, ref) })
	return matches, included
}

// searchset is a page of a search.
type searchset struct {
	Total int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		Resource struct{ ResourceType, ID string }
		Search   struct{ Mode string }
	}
}

func (b searchset) link(relation string) string {
	return bundleOf{Link: b.Link}.link(relation)
}

// answer is what reading says.
func (o *oracle) answer(q question) (matches, included []string) {
	matches, included = []string{}, []string{}
	for ref, r := range o.visible {
		if string(r.Type()) == q.kind && o.inside(r, q.within) && !slices.ContainsFunc(q.conditions, func(c condition) bool { return !o.meets(r, &c) }) {
			matches = append(matches, ref)
		}
	}
	for ref, r := range o.visible {
		from, param, _ := strings.Cut(q.revinclude, ":")
		brought := string(r.Type()) == from && slices.ContainsFunc(matches, func(m string) bool { return o.refers(r, param, m) })
		if parts := strings.Split(q.include, ":"); len(parts) == 3 && string(r.Type()) == parts[2] {
			brought = brought || slices.ContainsFunc(matches, func(m string) bool { return o.refers(o.visible[m], parts[1], ref) })
		}
		if brought && !slices.Contains(matches, ref) {
			included = append(included, ref)
		}
	}
	slices.Sort(matches)
	slices.Sort(included)
	return matches, included
}

// inside reports whether a resource is in the compartment of a patient that can be read.
func (o *oracle) inside(r *fhir.Resource, patient string) bool {
	if patient == "" || r.Ref().String() == patient {
		return true
	}
	params, _ := r4.Compartment("Patient", string(r.Type()))
	return o.visible[patient] != nil && slices.ContainsFunc(params, func(p string) bool { return o.refers(r, p, patient) })
}

func (o *oracle) refers(r *fhir.Resource, param, ref string) bool {
	return slices.ContainsFunc(o.eval(r, param), func(it path.Item) bool { return it.Node().Member("reference").Text() == ref })
}

func (o *oracle) meets(r *fhir.Resource, c *condition) bool {
	self := r.Ref().String()
	if c.next == nil {
		return o.plain(r, c)
	}
	for ref, there := range o.visible {
		if string(there.Type()) != c.to || !o.meets(there, c.next) {
			continue
		}
		if c.back && o.refers(there, c.param, self) || !c.back && o.refers(r, c.param, ref) {
			return true
		}
	}
	return false
}

// plain judges a condition on one resource by its elements.
func (o *oracle) plain(r *fhir.Resource, c *condition) bool {
	if c.param == "_id" {
		return slices.Contains(strings.Split(c.value, ","), r.ID())
	}
	if code, value, ok := strings.Cut(c.value, "$"); ok {
		return o.plain(r, &condition{param: "code", value: code}) && o.plain(r, &condition{param: "value-quantity", value: value})
	}
	items := o.eval(r, c.param)
	if c.modifier == "missing" {
		return (c.value == "true") == (len(items) == 0)
	}
	found := slices.ContainsFunc(items, func(it path.Item) bool {
		return slices.ContainsFunc(strings.Split(c.value, ","), func(v string) bool { return equals(it, v) })
	})
	return found != (c.modifier == "not")
}

func (o *oracle) eval(r *fhir.Resource, param string) []path.Item {
	o.t.Helper()
	params := r4.SearchParams(string(r.Type()))
	i := slices.IndexFunc(params, func(p r4.SearchParam) bool { return p.Code == param })
	if i < 0 {
		return nil
	}
	e, err := path.CompileDialect(params[i].Expression, path.Dialect{Search: true})
	if err != nil {
		o.t.Fatal(err)
	}
	items, err := e.EvalItem(path.World{}, path.Typed(r.Root()))
	if err != nil {
		o.t.Fatal(err)
	}
	return items
}

// equals compares an element with one value of a query, in the few forms that questions have.
func equals(it path.Item, value string) bool {
	n := it.Node()
	switch it.Type() {
	case "Reference":
		return n.Member("reference").Text() == value || n.Member("reference").Text() == "Patient/"+value
	case "CodeableConcept", "Coding":
		for c := range n.All("coding") {
			if code := c.Member("code").Text(); code == value || c.Member("system").Text()+"|"+code == value {
				return true
			}
		}
		return n.Member("code").Text() == value
	case "Quantity":
		if rest, ok := strings.CutPrefix(value, "gt"); ok {
			return n.Member("value").Text() > rest // one digit
		}
		return n.Member("value").Text() == value
	case "Period":
		return day(n.Member("start").Text(), n.Member("end").Text(), value)
	case "dateTime", "date":
		return day(it.Text(), it.Text(), value)
	}
	return it.Text() == value
}

// day compares whole days, which order as texts.
func day(start, end, value string) bool {
	if rest, ok := strings.CutPrefix(value, "ge"); ok {
		return cmp.Compare(end, rest) >= 0 && (start >= rest || end > rest)
	}
	if rest, ok := strings.CutPrefix(value, "lt"); ok {
		return start < rest
	}
	return start == value && end == value
}
