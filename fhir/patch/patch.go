// Package patch changes one resource as a patch says: JSON Patch (RFC 6902) and FHIRPath Patch of
// R4. It owns the form of both, what each operation does to the tree, and the bounds on their work.
// It refuses storage, policy and validation: the outcome is a strictly parsed resource, no more.
package patch

import (
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// Media types of patches, as in Content-Type.
const (
	JSON     = "application/json-patch+json" // an array of operations
	FHIRPath = "application/fhir+json"       // a Parameters resource
)

// Bounds of one patch.
const (
	MaxOperations = 500
	maxResult     = 5_000_000  // bytes of the outcome, unless the resource itself is larger
	maxWork       = 64_000_000 // bytes that may be read or copied over and over
	maxSteps      = 1 << 20    // items that all expressions together may visit
	minSteps      = 1 << 13    // and each of them at least
)

// Patch is a parsed patch. It holds no state of a resource: it may be applied to any number of
// resources or versions, also at the same time.
type Patch struct {
	steps []step
	name  func(i int) string // of an operation, for issues
	reads bool
}

// step is one operation.
type step interface {
	apply(*run) *rule
}

// Parse reads a patch of one of the two media types. All faults come at once, each with the place
// of its operation ("[2].path", "Parameters.parameter[2]"); an unknown media type is PATCH-MEDIA.
func Parse(media string, body []byte) (Patch, []fhir.Issue) {
	read, ok := readers[media]
	if !ok {
		return Patch{}, []fhir.Issue{ruleMedia.at("")}
	}
	p, issues := read(body)
	if fhir.HasErrors(issues) {
		return Patch{}, issues
	}
	return p, nil
}

// readers reads each media type.
var readers = map[string]func([]byte) (Patch, []fhir.Issue){JSON: readJSON, FHIRPath: readFHIRPath}

// Reads reports whether the outcome tells what stood in the resource: by a test, by a copy to where it
// is judged, or by a path that asks.
func (p Patch) Reads() bool { return p.reads }

// Len returns the number of operations.
func (p Patch) Len() int { return len(p.steps) }

// Apply returns what the operations make of r, one after the other, and r itself when there are
// none. r does not change. The first fault ends it: PATCH-TEST when a test found another value.
// What is left empty by an operation goes; id and resourceType cannot change (PATCH-IDENTITY). The
// outcome is parsed as strictly as r was. It looks at the clock only for now() in a path.
func (p Patch) Apply(r *fhir.Resource) (*fhir.Resource, []fhir.Issue) {
	if len(p.steps) == 0 {
		return r, nil
	}
	run := newRun(r, len(p.steps))
	for i, s := range p.steps {
		if fault := s.apply(run); fault != nil {
			return nil, []fhir.Issue{fault.at(p.name(i))}
		}
	}
	out, issues := run.outcome()
	if fhir.HasErrors(issues) {
		return nil, issues
	}
	if out.Type() != r.Type() || out.ID() != r.ID() {
		return nil, []fhir.Issue{ruleIdentity.at("")}
	}
	return out, nil
}

// run is one use of a patch.
type run struct {
	origin *fhir.Resource
	root   value
	now    *fhir.Resource // what root stands for, nil when it has changed since
	limit  int            // bytes of the outcome
	copied int            // bytes that copy has added
	work   int            // bytes read or copied
	steps  int            // items that one expression may visit
}

func newRun(r *fhir.Resource, operations int) *run {
	return &run{
		origin: r, root: value{src: r.Root()}, now: r, limit: max(maxResult, len(r.Bytes())),
		steps: max(maxSteps/operations, minSteps),
	}
}

// spend counts work on n bytes.
func (r *run) spend(n int) *rule {
	if r.work += n; r.work > maxWork {
		return &ruleWork
	}
	return nil
}

// current returns the tree as it is between two operations.
func (r *run) current() (*fhir.Resource, *rule) {
	if r.now != nil {
		return r.now, nil
	}
	text := r.root.appendTo(nil)
	if fault := r.spend(len(text)); fault != nil {
		return nil, fault
	}
	now, issues := fhir.ParseDocument(text, fhir.Limits{Bytes: r.limit})
	if fhir.HasErrors(issues) {
		return nil, &ruleSize // the values were parsed before: only a bound can be broken
	}
	r.now, r.root = now, value{src: now.Root()}
	return now, nil
}

// outcome parses the end of all operations.
func (r *run) outcome() (*fhir.Resource, []fhir.Issue) {
	parse := fhir.ParseDocument
	if r.origin.Type() != "" {
		parse = fhir.Parse
		r.root.prune()
	}
	out, found := parse(r.root.appendTo(nil), fhir.Limits{Bytes: r.limit})
	if !fhir.HasErrors(found) {
		return out, nil
	}
	issues := make([]fhir.Issue, len(found))
	for i, f := range found {
		issues[i] = ruleResult.at(f.Expression)
		issues[i].Text += f.Text
	}
	return nil, issues
}

// bracketed names an operation of a JSON Patch.
func bracketed(i int) string { return "[" + strconv.Itoa(i) + "]" }
