package exchange

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// serve renders a stored version for a reader: of an overlap issue and its Task what this reader may know of
// (coordination.md 8), of everything else what the obligations leave.
func (w *world) serve(p auth.Principal, st Stored, d auth.Decision) (Served, error) {
	if members, err := w.guides(p, st, d); err != nil || len(members) > 0 {
		if err != nil {
			return Served{}, err
		}
		return serveTeam(st, d, members)
	}
	own := slices.Contains(d.Obligations, auth.MeetingView) || slices.Contains(d.Obligations, auth.PlanView)
	if own && !st.Deleted {
		return w.serveOwn(p, st, d)
	}
	if viewOf(st, d.Obligations) == nil {
		return serve(st, d)
	}
	const op = "exchange.serve"
	out := Served{Ref: st.Ref, Updated: st.Updated, Body: fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated)}
	whole, err := out.tree()
	if err != nil {
		return Served{}, err
	}
	r, err := w.sight(p, st, whole, d.Obligations)
	if err == nil && r != whole {
		out.Reduced = true
		r, err = r.Edit(fhir.Edit{Path: []string{"meta", "versionId"}, JSON: fmt.Sprintf(`"%d-r"`, st.Ref.Version)})
	}
	if err != nil {
		return Served{}, fhir.Wrap(op, err)
	}
	out.Body = r.Bytes()
	return out, nil
}

// sight is what a reader sees of a stored resource: the same one when nothing is withheld.
func (w *world) sight(p auth.Principal, st Stored, whole *fhir.Resource, obligations []string) (*fhir.Resource, error) {
	if view := viewOf(st, obligations); view != nil {
		by, err := w.reader(p, st.Facts)
		if err != nil {
			return nil, err
		}
		if whole, err = view(whole, by); err != nil {
			return nil, err
		}
		obligations = slices.DeleteFunc(slices.Clone(obligations), func(o string) bool { return o == auth.IssueView })
	}
	return w.shown(p, whole, obligations)
}

// viewOf returns what makes the form of a resource of the rules of coordination; nil for every other.
func viewOf(st Stored, obligations []string) func(*fhir.Resource, coordination.Reader) (*fhir.Resource, error) {
	if st.Deleted || st.Ref.Type == "DetectedIssue" && !slices.Contains(obligations, auth.IssueView) ||
		st.Ref.Type != "DetectedIssue" && !ofCoordination(st.Facts) {
		return nil
	}
	return viewers[st.Ref.Type]
}

// viewedOf are the Tasks and Flags of the rules of coordination, of which each reader sees another part.
func viewedOf(rows []auth.ResourceFacts) []auth.Reduction {
	var out []auth.Reduction
	for i := range rows {
		if rows[i].Ref.Type == "Task" && rows[i].Source == coordination.TaskSource || rows[i].Ref.Type == "Flag" && ofCoordination(rows[i]) {
			out = append(out, auth.Reduction{Ref: rows[i].Ref})
		}
	}
	return out
}

// viewers make the form in which a resource of the rules of coordination leaves.
var viewers = map[fhir.Type]func(*fhir.Resource, coordination.Reader) (*fhir.Resource, error){
	"DetectedIssue": coordination.ViewIssue, "Task": coordination.ViewTask, "Flag": coordination.ViewFlag,
}

// reader is a principal as one for whom an issue is shown.
func (w *world) reader(p auth.Principal, of auth.ResourceFacts) (coordination.Reader, error) {
	by := coordination.Reader{Sees: func(ref fhir.Ref) (bool, error) {
		st, err := w.v.Read(ref.Current())
		if missing(err) {
			return false, nil
		}
		if err != nil {
			return false, unavailable("exchange.serve", "policy-unavailable", err)
		}
		d, err := w.decide(p, auth.Action{Interaction: auth.Read, Type: ref.Type}, &st.Facts)
		return d.Whole(), err
	}}
	if p.Role != auth.Guardian && p.Role != auth.ChildRole && p.Role != auth.Helper {
		return by, nil
	}
	by.Child = p.Role == auth.ChildRole
	country, err := w.country(of)
	by.Family = coordination.LanguageOf(country)
	return by, err
}

// country is the jurisdiction of the child that a resource is about.
func (w *world) country(of auth.ResourceFacts) (string, error) {
	if len(of.Patients) == 0 {
		return w.s.settings.Jurisdiction, nil
	}
	c, err := w.child(of.Patients[0].ID)
	if err != nil {
		return "", err
	}
	dir, err := w.directory(c.DirectoryNeeds())
	if err != nil {
		return "", err
	}
	return c.Jurisdiction(w.s.settings, dir), nil
}
