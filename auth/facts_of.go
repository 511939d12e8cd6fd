package auth

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// patientElements lead to the patients of a resource, access.md 2.1.
var patientElements = [][]string{{"subject"}, {"patient"}, {"for"}, {"beneficiary"}}

// whenElements give the time of a resource, the first that it has; access.md 2.1.
var whenElements = [][]string{
	{"effectiveDateTime"}, {"effectiveInstant"}, {"authoredOn"}, {"authored"}, {"date"}, {"recordedDate"},
	{"created"}, {"dateTime"}, {"onsetDateTime"},
	{"effectivePeriod", "start"}, {"period", "start"}, {"occurrencePeriod", "start"},
}

// codingElements hold the codings that a Consent may name, access.md 4.2.
var codingElements = []string{"category", "code", "type"}

// granularRows are the search parameters of granular scopes, smart.md 4.2.
var granularRows = []string{"category", "code", "status", "_tag", "_security"}

// upElements and downElements say what depends on what, access.md 4.2 data.
var (
	upElements   = [][]string{{"partOf"}, {"basedOn"}, {"focus"}}
	downElements = [][]string{{"encounter"}, {"goal"}, {"addresses"}, {"activity", "reference"}}
)

// byElements name who says a resource.
var byElements = map[fhir.Type][][]string{
	"Consent":               {{"performer"}},
	"QuestionnaireResponse": {{"source"}},
	"Communication":         {{"sender"}},
	"Provenance":            {{"agent", "who"}},
}

// partyElements name the parties of a resource.
var partyElements = map[fhir.Type][][]string{
	"CareTeam": {{"participant", "member"}, {"participant", "onBehalfOf"}},
	"Task":     {{"owner"}, {"requester"}},
	"Consent":  {{"organization"}, {"provision", "actor", "reference"}},
}

// FactsOf computes the facts of r that are written in r itself. patientsOf resolves a reference
// that only stands for patients (a RelatedPerson, the targets of a Provenance). Custodian, Author,
// FiledAt and Updated are left to the caller.
func FactsOf(r *fhir.Resource, rows []search.Row, patientsOf func(fhir.Ref) []fhir.Ref) ResourceFacts {
	root := r.Root()
	f := ResourceFacts{
		Ref:       r.Ref(),
		Patients:  patients(r, patientsOf),
		When:      when(root),
		Status:    cmp.Or(root.Member("status").Text(), root.Member("lifecycleStatus").Text()),
		Labels:    labels(root),
		Source:    sourceRecord(root.At("meta", "source").Text()),
		Codings:   codings(root),
		Refs:      literalRefs(root),
		Parties:   collect(root, partyElements[r.Type()]),
		By:        collect(root, byElements[r.Type()]),
		Owner:     refAt(root, "owner"),
		Requester: refAt(root, "requester"),
		Doers:     collect(root, [][]string{{"activity", "detail", "performer"}}),
		Up:        collect(root, upElements),
		Down:      collect(root, downElements),
		Signed:    root.Member("signature").Exists(),
		Rights:    bearsRights(r),
	}
	for c := range root.All("meta", "tag") {
		if tag := readCoding(c); tag.System == systemDomain && !slices.Contains(f.Domains, tag.Code) {
			f.Domains = append(f.Domains, tag.Code)
		}
	}
	if r.Type() == "Composition" {
		f.Down = append(f.Down, sectionEntries(root)...)
	}
	if r.Type() == "Consent" {
		f.Consent = consentFacts(root)
	}
	if open, ok := openMembers[r.Type()]; ok {
		f.Rest = restOf(root, open)
	}
	for _, row := range rows {
		if slices.Contains(granularRows, row.Param) {
			row.Text = "" // scopes ask for codes alone
			f.Granular = append(f.Granular, row)
		}
	}
	return f
}

// MissingDomain reports whether a resource of type t must be given the domain medisch at write:
// a clinical type without a domain (access.md 2.1).
func MissingDomain(t fhir.Type, f ResourceFacts) bool {
	return len(f.Domains) == 0 && !IsDirectory(t) && !IsAdmin(t)
}

// patients returns whom r is about, in id order, each once.
func patients(r *fhir.Resource, patientsOf func(fhir.Ref) []fhir.Ref) []fhir.Ref {
	root := r.Root()
	var out []fhir.Ref
	resolve := func(refs []fhir.Ref) {
		for _, ref := range refs {
			if patientsOf != nil {
				out = append(out, patientsOf(ref)...)
			}
		}
	}
	switch {
	case IsDirectory(r.Type()):
		return nil
	case r.Type() == "Patient":
		return []fhir.Ref{r.Ref()}
	case r.Type() == "Provenance":
		resolve(refsAt(root, "target"))
	case r.Type() == "AuditEvent":
		out = refsAt(root, "entity", "what")
	case r.Type() == "Appointment":
		for _, ref := range refsAt(root, "participant", "actor") {
			out = append(out, ref)
			if ref.Type == "RelatedPerson" {
				resolve([]fhir.Ref{ref})
			}
		}
		if !slices.ContainsFunc(out, isPatient) {
			resolve(refsAt(root, "supportingInformation"))
		}
	default:
		out = collect(root, patientElements)
	}
	out = slices.DeleteFunc(out, func(ref fhir.Ref) bool { return !isPatient(ref) })
	if len(out) == 0 {
		return nil
	}
	for i := range out {
		out[i] = out[i].Current()
	}
	slices.SortFunc(out, compareRefs)
	return slices.Compact(out)
}

func isPatient(ref fhir.Ref) bool { return ref.Type == "Patient" }

func compareRefs(a, b fhir.Ref) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
}

// when returns the time of a resource: the start of what it says, zero when it says nothing. A date
// without time begins at the local midnight; both jurisdictions share theirs.
func when(root fhir.Node) time.Time {
	for _, path := range whenElements {
		if n := root.At(path...); n.Exists() {
			if m, ok := parseMoment(n.Text()); ok {
				return time.Unix(0, m.low(zones()["nl"])).UTC()
			}
		}
	}
	return time.Time{}
}

func labels(root fhir.Node) []Label {
	var out []Label
	for n := range root.All("meta", "security") {
		l := Label{Coding: readCoding(n)}
		for ext := range n.All("extension") {
			if ext.Member("url").Text() == extBarred {
				l.Barred = append(l.Barred, refAt(ext, "valueReference"))
			}
		}
		out = append(out, l)
	}
	return out
}

func codings(root fhir.Node) []Coding {
	var out []Coding
	for _, name := range codingElements {
		for n := range root.All(name) {
			if n.Member("code").Shape() == fhir.String { // a Coding itself
				out = append(out, readCoding(n))
				continue
			}
			out = append(out, readCodings(n, "coding")...)
		}
	}
	for _, c := range readCodings(root, "serviceType", "coding") {
		if c.System == systemSwedishMeeting {
			out = append(out, c)
		}
	}
	return append(out, readCodings(root, "meta", "tag")...)
}

// sourceRecord returns meta.source without the version behind the record id (mks.md 3.1).
func sourceRecord(source string) string {
	base, fragment, ok := strings.Cut(source, "#")
	if parts := strings.Split(fragment, "/"); ok && len(parts) == 3 {
		return base + "#" + parts[0] + "/" + parts[1]
	}
	return source
}

// literalRefs returns every literal reference in r, each once.
func literalRefs(root fhir.Node) []fhir.Ref {
	var out []fhir.Ref
	var walk func(fhir.Node)
	walk = func(n fhir.Node) {
		for child := range n.Children() {
			if child.Name() == "reference" && child.Shape() == fhir.String && n.Shape() == fhir.Object {
				if ref, ok := fhir.ParseRef(child.Text()); ok && !slices.Contains(out, ref.Current()) {
					out = append(out, ref.Current())
				}
				continue
			}
			walk(child)
		}
	}
	walk(root)
	return out
}

func collect(root fhir.Node, paths [][]string) []fhir.Ref {
	var out []fhir.Ref
	for _, path := range paths {
		for _, ref := range refsAt(root, path...) {
			if !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	return out
}

// sectionEntries returns the entries of the sections of a Composition, nested ones too.
func sectionEntries(n fhir.Node) []fhir.Ref {
	var out []fhir.Ref
	for section := range n.All("section") {
		out = append(out, refsAt(section, "entry")...)
		out = append(out, sectionEntries(section)...)
	}
	return out
}

// openMembers are the members that a change of status may touch.
var openMembers = map[fhir.Type][]string{
	"Consent": {"id", "meta", "text", "status"},
	"Task": {"id", "meta", "text", "status", "statusReason", "businessStatus", "lastModified", "note",
		"output", "executionPeriod", "extension"},
}

// restOf returns a hash of the members of root that are not open.
func restOf(root fhir.Node, open []string) string {
	var members []fhir.Node
	for n := range root.Children() {
		if !slices.Contains(open, n.Name()) {
			members = append(members, n)
		}
	}
	slices.SortFunc(members, func(a, b fhir.Node) int { return cmp.Compare(a.Name(), b.Name()) })
	var text []byte
	for _, n := range members {
		text = append(text, n.Name()...)
		for _, part := range closedParts(root, n) {
			sum := fhir.Hash(part)
			text = append(text, sum[:]...)
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// closedParts returns what a change of status leaves alone of a member: all of it, but for the forms of
// readiness of a transfer, to which its parties may add one (mks.md 7.1).
func closedParts(root, member fhir.Node) []fhir.Node {
	if member.Name() != "input" || !slices.Contains(readCodings(root, "code", "coding"), transferCoding) {
		return []fhir.Node{member}
	}
	var out []fhir.Node
	for in := range member.Children() {
		if !slices.Contains(readCodings(in, "type", "coding"), readinessCoding) {
			out = append(out, in)
		}
	}
	return out
}

// A Task that carries a transfer, and its inputs that are forms of readiness (mks.md 3.8).
var (
	transferCoding  = Coding{System: "http://snomed.info/sct", Code: "308292007"}
	readinessCoding = Coding{System: fhir.Canonical + "/CodeSystem/mks-categorie", Code: "ontslaggereedheid"}
)

// rightsTypes are the types whose custody facts, flags and seals open or close the whole record.
var rightsTypes = types("RelatedPerson", "Patient", "Flag")

// bearsRights reports whether r carries custody, an access flag, or a seal on the child.
func bearsRights(r *fhir.Resource) bool {
	root := r.Root()
	if !rightsTypes[r.Type()] {
		return false
	}
	for ext := range root.All("extension") {
		if ext.Member("url").Text() == extCustody {
			return true
		}
	}
	inSystem := func(system string, codings []Coding) bool {
		return slices.ContainsFunc(codings, func(c Coding) bool { return c.System == system })
	}
	return inSystem(systemRepresentative, readCodings(root, "relationship", "coding")) ||
		inSystem(systemAccessFlag, readCodings(root, "code", "coding")) ||
		inSystem(systemAccessLabel, readCodings(root, "meta", "security")) ||
		inSystem(systemSwedishLabel, readCodings(root, "meta", "security"))
}

// consentFacts reads what write checks need of a Consent.
func consentFacts(root fhir.Node) *ConsentFacts {
	base := root.Member("provision")
	f := &ConsentFacts{Holders: refsAt(root, "organization"), Other: !isPrivacy(root), OpenPermit: base.Member("type").Text() == "permit" && base.Member("actor").Len() == 0}
	for _, c := range readCodings(root, "category", "coding") {
		if c.System == systemNetworkConsent {
			f.Member = networkMember(root)
		}
		f.Block = f.Block || c == codeBlock
	}
	if f.Block {
		f.Blocked = named(base, 0)
	}
	permittedActors(f, base, base.Member("actor"), 0)
	return f
}

// isPrivacy reports whether a Consent is of the scope that counts (access.md 4.1).
func isPrivacy(consent fhir.Node) bool {
	return slices.Contains(readCodings(consent, "scope", "coding"), Coding{System: systemConsentScope, Code: "patient-privacy"})
}

// networkMember returns the RelatedPerson that a network Consent names: the performer whose data it
// shares, else its base actor.
func networkMember(root fhir.Node) fhir.Ref {
	about := refsAt(root, "provision", "data", "reference")
	for _, ref := range refsAt(root, "performer") {
		if ref.Type == "RelatedPerson" && slices.Contains(about, ref) {
			return ref
		}
	}
	for _, ref := range refsAt(root, "provision", "actor", "reference") {
		if ref.Type == "RelatedPerson" {
			return ref
		}
	}
	return fhir.Ref{}
}

// permittedActors adds the actors of permit provisions from n down; actors are those in force at n.
func permittedActors(f *ConsentFacts, n, actors fhir.Node, depth int) {
	if depth > maxProvisionDepth {
		return
	}
	if own := n.Member("actor"); own.Exists() {
		actors = own
	}
	if n.Member("type").Text() == "permit" {
		f.Permits = true
		for ref := range actors.All("reference") {
			r := readRef(ref)
			if r.Type == "Device" || ref.At("identifier", "system").Text() == systemSmartClient {
				f.Device = true
			}
			if !r.IsZero() {
				f.Permitted = append(f.Permitted, r)
			}
		}
	}
	for child := range n.All("provision") {
		permittedActors(f, child, actors, depth+1)
	}
}
