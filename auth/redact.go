package auth

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/drieluik/drieluik/fhir"
)

// systemObsValue is the code system of the marks that say what was taken out.
const systemObsValue = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

// reductions change what leaves, in this order. Each tells which nodes go.
var reductions = []struct {
	obligation string
	apply      func(r *fhir.Resource, all []string) (*fhir.Resource, error)
}{
	{MinimalPatient, reducePatient},
	{IssueView, reduceIssue},
	{NetworkView, reduceNetwork},
	{NetworkCalm, calmNetwork},
	{NetworkContact, reduceForContact},
	{MeetingView, reduceMeeting},
	{PlanView, reducePlan},
	{RedactProtectedAddress, redactPlaces},
	{RedactBSN, redactNational},
}

// Redacts reports whether some of the obligations take elements out of a resource.
func Redacts(obligations []string) bool {
	for _, r := range reductions {
		if slices.Contains(obligations, r.obligation) {
			return true
		}
	}
	return false
}

// Redact returns r with what the obligations withhold taken out, access.md 3.4. Obligations that
// do not change the resource are left to the caller. Of issue-view it gives the form of a reader
// who may see nothing of what is implicated; fhir/coordination knows the fuller forms. Of meeting-view it gives
// that of one who is not invited; MeetingFor knows the others. Of plan-view it gives no measures: PlanFor knows whose.
func Redact(r *fhir.Resource, obligations []string) (*fhir.Resource, error) {
	out := r
	for _, step := range reductions {
		if !slices.Contains(obligations, step.obligation) {
			continue
		}
		var err error
		if out, err = step.apply(out, obligations); err != nil {
			return nil, fhir.Wrap("auth.Redact "+step.obligation, err)
		}
	}
	return out, nil
}

// reducePatient leaves what tells a child apart: for organisations the national identifier and
// names, for helpers the first given name; birth year and gender.
func reducePatient(r *fhir.Resource, all []string) (*fhir.Resource, error) {
	if r.Type() != "Patient" {
		return r, nil
	}
	helper := slices.Contains(all, RedactBSN)
	kept := []string{"resourceType", "id", "meta", "gender"}
	if !helper {
		kept = append(kept, "identifier")
	}
	root := r.Root()
	var edits []fhir.Edit
	if name := minimalName(root, helper); name != "" {
		edits = append(edits, fhir.Edit{Path: []string{"name"}, JSON: name})
		kept = append(kept, "name")
	}
	if year := yearOf(root.Member("birthDate").Text()); year != "" {
		edits = append(edits, fhir.Edit{Path: []string{"birthDate"}, JSON: quote(year)})
		kept = append(kept, "birthDate")
	}
	out, err := prune(r, func(n fhir.Node) bool {
		holder := n.Parent()
		if !holder.Parent().Exists() && holder.Shape() == fhir.Object {
			return !slices.Contains(kept, n.Name())
		}
		return n.Name() == "identifier" && holder.Shape() == fhir.Array && !isNational(n)
	})
	if err != nil {
		return nil, err
	}
	return out.Edit(append(edits, mark("tag", "SUBSETTED"))...)
}

// minimalName returns the name to show: the first given name, for organisations the family name too.
func minimalName(root fhir.Node, helper bool) string {
	for name := range root.All("name") {
		var parts []string
		if family := name.Member("family").Text(); family != "" && !helper {
			parts = append(parts, `"family":`+quote(family))
		}
		for given := range name.All("given") {
			if given.Text() != "" {
				parts = append(parts, `"given":[`+quote(given.Text())+`]`)
				break
			}
		}
		if len(parts) > 0 {
			return "[{" + strings.Join(parts, ",") + "}]"
		}
	}
	return ""
}

// issueHides are the elements of a DetectedIssue that tell of others' care (coordination.md 8).
var issueHides = []string{"identifier", "identifiedDateTime", "evidence", "implicated", "detail", "mitigation", "text", "reference"}

func reduceIssue(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	if r.Type() != "DetectedIssue" {
		return r, nil
	}
	return pruneAndMark(r, mark("security", "SUBSETTED"), func(n fhir.Node) bool {
		holder := n.Parent()
		return !holder.Parent().Exists() && slices.Contains(issueHides, n.Name()) ||
			n.Name() == "security" && holder.Name() == "meta" // the labels are those of what others keep
	})
}

// placeMembers lead to where somebody lives or is to be found.
var placeMembers = []string{
	"address", "telecom", "contact", "location", "locationReference", "locationCode", "position", "origin", "destination",
	"valueAddress", "valueContactPoint",
}

// withheldText stands for a narrative below the resource, where one is required.
const withheldText = `{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Skyddad uppgift. Afgeschermd. Withheld.</div>"}`

// redactPlaces takes out address, telecom, contact and every place of care, with what tells of them in words:
// narratives, and members of a source document that have no element of their own.
func redactPlaces(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	out, err := rewrite(r, func(n fhir.Node) (string, bool) {
		if n.Name() == "text" && n.Member("div").Exists() {
			holder := n.Parent()
			if holder.Parent().Exists() && holder.Name() != "contained" {
				return withheldText, true
			}
			return "", true
		}
		return "", tellsPlace(n)
	})
	if err != nil {
		return nil, err
	}
	return out.Edit(mark("security", "REDACTED"))
}

// tellsPlace reports whether n says where somebody lives or is to be found.
func tellsPlace(n fhir.Node) bool {
	switch n.Name() {
	case "contained":
		return n.Member("resourceType").Text() == "Location"
	case "participant":
		return n.Shape() == fhir.Object && (isPlace(n.Member("actor")) || isMeetingPlace(n))
	case "extension":
		return n.Member("url").Text() == extSource
	}
	return n.Parent().Shape() == fhir.Object && slices.Contains(placeMembers, n.Name()) || isPlace(n)
}

// isMeetingPlace reports whether a participant of an Appointment is its place: by its type, or for all one knows,
// named in words alone.
func isMeetingPlace(n fhir.Node) bool {
	actor := n.Member("actor")
	for c := range n.All("type", "coding") {
		if code := readCoding(c); code == (Coding{systemSwedishCall, "plats"}) || code == (Coding{systemParticipation, "LOC"}) {
			return true
		}
	}
	return actor.Member("display").Exists() && !actor.Member("reference").Exists() && !actor.Member("identifier").Exists()
}

// isPlace reports whether n is a Reference to a Location.
func isPlace(n fhir.Node) bool {
	return n.Member("type").Text() == "Location" || strings.Contains("/"+n.Member("reference").Text(), "/Location/")
}

// redactNational takes every national identifier out, and each narrative that holds a long number, of a part too.
func redactNational(r *fhir.Resource, _ []string) (*fhir.Resource, error) {
	return prune(r, func(n fhir.Node) bool {
		if n.Name() == "text" && n.Member("div").Exists() {
			return hasLongNumber(n.Raw())
		}
		return n.Shape() == fhir.Object && isNational(n)
	})
}

// nationalSystems are parts of the identifier systems of BSN, personnummer and samordningsnummer.
var nationalSystems = []string{
	"/NamingSystem/bsn", "electronichealth.se/identifier/", "urn:oid:2.16.840.1.113883.2.4.6.3",
	"urn:oid:1.2.752.129.2.1.3.1", "urn:oid:1.2.752.129.2.1.3.3",
}

// IsNational reports whether an identifier system is one of national person numbers.
func IsNational(system string) bool {
	return slices.ContainsFunc(nationalSystems, func(part string) bool { return strings.Contains(system, part) })
}

// isNational reports whether n is an Identifier of a national system.
func isNational(n fhir.Node) bool {
	return n.Member("value").Exists() && IsNational(n.Member("system").Text())
}

// hasLongNumber reports whether s has nine digits in a row, blanks and hyphens aside.
func hasLongNumber(s string) bool {
	run := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			run++
		case c != ' ' && c != '-':
			run = 0
		}
		if run == 9 {
			return true
		}
	}
	return false
}

// mark says in meta that something was taken out.
func mark(member, code string) fhir.Edit {
	return fhir.Edit{
		Path: []string{"meta", member}, Append: true,
		JSON: `{"system":` + quote(systemObsValue) + `,"code":` + quote(code) + `}`,
	}
}

func pruneAndMark(r *fhir.Resource, m fhir.Edit, drop func(fhir.Node) bool) (*fhir.Resource, error) {
	out, err := prune(r, drop)
	if err != nil {
		return nil, err
	}
	return out.Edit(m)
}

// prune returns r without the nodes that drop names, and without what becomes empty by it.
func prune(r *fhir.Resource, drop func(fhir.Node) bool) (*fhir.Resource, error) {
	return rewrite(r, func(n fhir.Node) (string, bool) { return "", drop(n) })
}

// rewrite returns r with other text for the nodes that change names, and without those that have none and what
// becomes empty by it.
func rewrite(r *fhir.Resource, change func(fhir.Node) (text string, changed bool)) (*fhir.Resource, error) {
	out, issues := fhir.Parse([]byte(rewritten(r.Root(), change)), fhir.Limits{})
	if out == nil {
		return nil, &fhir.Error{Kind: fhir.Internal, Op: "auth.rewrite", Issues: issues}
	}
	return out, nil
}

// rewritten returns the JSON text of what is left of n, "" for nothing.
func rewritten(n fhir.Node, change func(fhir.Node) (string, bool)) string {
	open, end := "{", "}"
	switch n.Shape() {
	case fhir.Array:
		open, end = "[", "]"
	case fhir.Object:
	default:
		return n.Raw()
	}
	var parts []string
	for child := range n.Children() {
		text, changed := change(child)
		if !changed {
			text = rewritten(child, change)
		}
		switch {
		case text == "":
		case n.Shape() == fhir.Object:
			parts = append(parts, quote(child.Name())+":"+text)
		default:
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return open + strings.Join(parts, ",") + end
}

// quote returns s as a JSON string.
func quote(s string) string {
	text, err := jsontext.AppendQuote(nil, s)
	if err != nil { // invalid UTF-8 cannot come out of a parsed resource
		return `""`
	}
	return string(text)
}
