package calendar

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

const ruleNotice = "7.9"

// notification is the category of what parties outside the team are told.
var notification = coding{"http://terminology.hl7.org/CodeSystem/communication-category", "notification"}

// notices holds mks.md 7.9: of each version of a plan in force and of each transfer, the family doctor and
// the youth health care of the team are told: problems, what to do in an emergency, whom to call. It waits
// in preparation until it is delivered; one of an older version that still waits stops. Where there is
// nobody to tell, the gezinscoordinator is asked to find somebody.
func (r *run) notices() {
	kept := map[string]bool{}
	for _, list := range [][]Known{r.Plans, r.Transfers} {
		for _, k := range list {
			status := k.Resource.Root().Member("status").Text()
			if version := RecordVersion(k.Resource); version > 0 && (status == "active" || status == "final" || status == "amended") {
				r.notice(k, version, kept)
			}
		}
	}
	for _, m := range r.Messages {
		n := m.Resource.Root()
		if n.At("meta", "source").Text() == source(ruleNotice) && n.Member("status").Text() == "preparation" && !kept[m.Resource.ID()] {
			r.edit(m, fhir.Edit{Path: []string{"status"}, JSON: `"stopped"`})
		}
	}
	r.end(ruleNotice, done)
}

// notice tells everybody of one version.
func (r *run) notice(k Known, version int, kept map[string]bool) {
	to := r.addressees(k.Custodian)
	name := k.Resource.ID() + "/" + strconv.Itoa(version) + "/"
	for _, who := range to {
		m := message{
			rule: ruleNotice, discriminator: name + who.ID, category: notification, status: "preparation",
			about: []fhir.Ref{k.Resource.Ref()}, to: []fhir.Ref{who}, custodian: k.Custodian,
		}
		id := r.id(m.rule, m.discriminator)
		kept[id] = true
		if !r.written(id) {
			text, domains := r.summary(k)
			m.text, m.domains = plain(text), domains
			r.send(m)
		}
	}
	if len(to) > 0 {
		return
	}
	r.tell(k.Custodian, "MKS-WF-09", "Nobody outside the team is told: the child has no family doctor, and the team no youth health care. Add one.")
	r.ask(task{
		rule: ruleNotice, discriminator: name + "geadresseerde", code: notification, text: sayAddress,
		focus: k.Resource.Ref(), owner: cmp.Or(r.member("gezinscoordinator", k.Custodian), r.coordinator(k.Custodian)), custodian: k.Custodian,
	})
}

// addressees are the family doctor and the youth health care, in order.
func (r *run) addressees(org fhir.Ref) []fhir.Ref {
	var out []fhir.Ref
	for gp := range r.Patient.Resource.Root().All("generalPractitioner", "reference") {
		if ref, ok := fhir.ParseRef(gp.Text()); ok {
			out = append(out, ref.Current())
		}
	}
	if jgz := r.member("jgz", org); !jgz.IsZero() {
		out = append(out, jgz)
	}
	slices.SortFunc(out, func(a, b fhir.Ref) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// summary says what an addressee must know, and the domains from which it comes: of what its sender keeps,
// since the letter is the sender's to read. What bears a label of its own, such as a problem about a parent,
// is left out.
func (r *run) summary(k Known) (string, []string) {
	n := k.Resource.Root()
	lines, domains := []string{}, []string{"medisch"}
	for _, ref := range subjectsOf(n) {
		if ref.Type != "Condition" {
			continue
		}
		found := r.find(ref)
		if found.Resource == nil || found.Custodian != k.Custodian || found.Resource.Root().At("meta", "security").Exists() {
			continue
		}
		c := found.Resource.Root()
		if text := conceptText(c.Member("code")); text != "" {
			lines = append(lines, "Probleem: "+text)
			domains = append(domains, domainsOf(c)...)
		}
	}
	for _, p := range r.Emergency {
		e := p.Resource.Root()
		if p.Custodian != k.Custodian || e.Member("status").Text() != "active" || e.At("meta", "security").Exists() {
			continue
		}
		d := e.At("activity", "detail")
		lines = append(lines, "Noodplan: "+d.At("reasonCode", "text").Text()+" "+d.Member("description").Text()+
			" Telefoon: "+extension(d, "noodtelefoon").Member("valueString").Text())
		domains = append(domains, domainsOf(e)...)
	}
	if phone := r.phone(r.coordinator(k.Custodian)); phone != "" {
		lines = append(lines, "Zorgcoördinator: "+phone)
	}
	slices.Sort(domains)
	return strings.Join(lines, "\n"), slices.Compact(domains)
}

// subjectsOf are what a plan addresses, or a transfer lists.
func subjectsOf(n fhir.Node) []fhir.Ref {
	var out []fhir.Ref
	for _, path := range [][]string{{"addresses", "reference"}, {"section", "entry", "reference"}, {"section", "section", "entry", "reference"}} {
		for r := range n.All(path...) {
			if ref, ok := fhir.ParseRef(r.Text()); ok && !slices.Contains(out, ref.Current()) {
				out = append(out, ref.Current())
			}
		}
	}
	return out
}

// conceptText is a CodeableConcept in words.
func conceptText(c fhir.Node) string {
	if text := c.Member("text").Text(); text != "" {
		return text
	}
	return c.At("coding", "display").Text()
}

// domainsOf returns the domains of a resource.
func domainsOf(n fhir.Node) []string {
	var out []string
	for tag := range n.All("meta", "tag") {
		if tag.Member("system").Text() == codes("mks-domein") {
			out = append(out, tag.Member("code").Text())
		}
	}
	return out
}

// phone returns a telephone number of somebody, "" when none is known.
func (r *run) phone(who fhir.Ref) string {
	found := r.find(who).Resource
	if found == nil {
		return ""
	}
	for t := range found.Root().All("telecom") {
		if t.Member("system").Text() == "phone" {
			return t.Member("value").Text()
		}
	}
	return ""
}

// find looks another resource up, without a Resource when there is none.
func (r *run) find(ref fhir.Ref) Known {
	if r.Find == nil {
		return Known{}
	}
	found, err := r.Find(ref)
	if err != nil {
		r.err = err
	}
	return found
}
