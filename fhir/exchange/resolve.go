package exchange

import (
	"net/url"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// maxConditions bounds the searches of one transaction.
const maxConditions = 200

// resolver replaces references between the entries of a transaction, and conditional ones.
type resolver struct {
	*batch
	names  map[string]string // fullUrl → Type/id
	found  map[string]string // conditional reference → Type/id
	denied error             // by a conditional reference
	err    error
}

// resolve gives every reference of a transaction the id that its target has or gets: entries are named
// by their fullUrl, and "Type?query" stands for the one visible resource that it matches.
func (b *batch) resolve() (error, error) {
	if !b.transaction {
		return nil, nil
	}
	r := &resolver{batch: b, names: map[string]string{}, found: map[string]string{}}
	for _, st := range b.asked {
		if st.FullURL == "" || st.Interaction == auth.Delete {
			continue
		}
		if _, twice := r.names[st.FullURL]; twice {
			b.fault(entryPath(st)+".fullUrl", "duplicate", "bundle-full-url", "Two entries have the same fullUrl.")
		}
		r.names[st.FullURL] = st.ref.Current().String()
	}
	for _, st := range b.asked {
		if st.Resource == nil || st.effect == Kept {
			continue
		}
		if err := r.step(st); r.denied != nil || err != nil {
			return r.denied, err
		}
	}
	if len(r.found) > maxConditions {
		return b.costly(), nil
	}
	return nil, nil
}

// costly refuses a transaction that asks for more searches than one may.
func (b *batch) costly() error {
	b.event.refused(auth.Decision{HTTP: 413, Step: "permit", Reason: "bundle-conditions"}, nil)
	return fhir.Errorf(fhir.TooLarge, "exchange.Write", "too-costly", "bundle-conditions",
		"Send at most %d conditional entries, and as many different conditional references, at once.", maxConditions)
}

func entryPath(st *step) string { return strings.TrimSuffix(st.Path, ".resource") }

func (b *batch) fault(path, code, rule, text string) {
	b.issues = append(b.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: code, Expression: path, Diagnostics: rule, Text: text,
	})
}

// step resolves the references of one resource.
func (r *resolver) step(st *step) error {
	root, _ := strings.CutSuffix(st.FullURL, "/"+string(st.Type)+"/"+lastPart(st.FullURL))
	res, err := st.Resource.MapReferences(func(ref string) string {
		if name, ok := r.names[ref]; ok {
			return name
		}
		if name, ok := r.names[root+"/"+ref]; ok && root != st.FullURL { // relative to the server that the entry comes from
			return name
		}
		if t, query, ok := strings.Cut(ref, "?"); ok {
			if kind, known := fhir.ParseType(t); known {
				return r.conditional(st, ref, kind, query)
			}
		}
		return ref
	})
	if err != nil || r.err != nil {
		return firstError(err, r.err)
	}
	for ref := range res.References() { // a uri such as a code system is no reference
		if strings.HasPrefix(ref, "urn:uuid:") || strings.HasPrefix(ref, "urn:oid:") {
			r.fault(st.Path, "not-found", "bundle-reference", "A urn reference names no fullUrl of this Bundle.")
			break
		}
	}
	st.Resource = res
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// conditional returns the resource that a conditional reference matches.
func (r *resolver) conditional(st *step, ref string, t fhir.Type, query string) string {
	if name, ok := r.found[ref]; ok {
		return name
	}
	if r.denied != nil || r.err != nil || len(r.found) > maxConditions { // refused already, or too many
		return ref
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		r.fault(st.Path, "invalid", "reference-query", "The query of a conditional reference is not properly percent-encoded.")
		return ref
	}
	plan, issues := search.Parse(t, values, search.Options{Base: r.w.s.base, Count: 2, Now: r.w.now})
	if fhir.HasErrors(issues) || len(plan.Where) == 0 {
		r.fault(st.Path, "invalid", "reference-query", "A conditional reference needs a query that this server can run.")
		return ref
	}
	hits, d, err := r.match(auth.SearchType, plan)
	switch {
	case err != nil:
		r.err = err
	case !d.Permit:
		r.denied = r.batch.refuse(d, st)
	case len(hits) != 1:
		r.event.refused(auth.Decision{HTTP: 412, Step: "permit", Reason: "reference-match"}, nil)
		e := fhir.Errorf(fhir.Precondition, "exchange.resolve", "not-found", "reference-match",
			"A conditional reference must match exactly one resource that you may see.")
		e.Issues[0].Expression = st.Path
		r.denied = e
	default:
		r.event.saw(hits[0], d)
		r.found[ref] = hits[0].Ref.Current().String()
		return r.found[ref]
	}
	return ref
}
