package exchange

import (
	"context"
	"slices"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// How far one look takes an export, and how large a file gets.
const (
	exportLook    = 20_000 // resources decided on
	exportLines   = 10_000 // of a file, but for those of one child
	exportPerFile = 1_000  // children of a file
)

// planExport takes an export a step further: children are found, then what may leave of each is counted.
func (s *Service) planExport(ctx context.Context, e *event, job *exportJob) (refused, err error) {
	const op = "exchange.ExportStatus"
	err = s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		if refused, err = w.mayExport(e, job); refused != nil || err != nil {
			return err
		}
		if !job.Listed {
			return w.listExport(e, job) // a step of its own, whether there is anybody or not
		}
		for looked := 0; job.Counted < len(job.Children) && looked < exportLook; job.Counted++ {
			n, err := w.countExport(v, e, job)
			if err != nil {
				return err
			}
			looked += n + 1
		}
		job.Planned = job.Counted == len(job.Children)
		return nil
	})
	if err != nil {
		return nil, s.broke(ctx, op, *e, err)
	}
	if refused != nil {
		err = s.record(ctx, op, e.audits(s))
	}
	return refused, err
}

// listExport finds the children of whom something may leave: those to whom the organisation is related, and
// those of whom it keeps or wrote something.
func (w *world) listExport(e *event, job *exportJob) error {
	const op = "exchange.ExportStatus"
	p := e.call.Principal
	all, err := w.related(p)
	if err != nil {
		return unavailable(op, "policy-unavailable", err)
	}
	held, err := w.v.Held(p.Organization)
	if err != nil {
		return unavailable(op, "policy-unavailable", err)
	}
	all = slices.DeleteFunc(append(all, held...), func(id string) bool { return patientOf(id).IsZero() })
	slices.Sort(all)
	job.Children, job.Listed = slices.Compact(all), true
	return nil
}

// countExport counts what may leave of the next child, and puts it into files. It returns how much it
// looked at.
func (w *world) countExport(v Snapshot, e *event, job *exportJob) (looked int, err error) {
	child := job.Children[job.Counted]
	for _, t := range job.Types {
		heads, err := w.heads(v, child, t)
		if err != nil {
			return looked, unavailable("exchange.ExportStatus", "policy-unavailable", err)
		}
		n := 0
		for i := range heads {
			d, err := w.leaves(e, job, &heads[i])
			if err != nil {
				return looked, err
			}
			if d.Permit {
				n++
			}
		}
		looked += len(heads)
		job.file(t, n)
	}
	return looked, nil
}

// leaves decides on a resource that an export asks for. One that has not changed since is not asked for.
func (w *world) leaves(e *event, job *exportJob, f *auth.ResourceFacts) (auth.Decision, error) {
	if f.Updated.Before(job.Since) {
		return auth.Decision{}, nil
	}
	return w.decide(e.call.Principal, auth.Action{Interaction: auth.Export, Type: f.Ref.Type}, f)
}

// file puts n resources of the child that is counted into the last file of a type, or a new one.
func (j *exportJob) file(t fhir.Type, n int) {
	if n == 0 {
		return
	}
	for i := len(j.Files) - 1; i >= 0; i-- {
		f := &j.Files[i]
		if f.Type != t {
			continue
		}
		if f.Count+n <= exportLines && j.Counted-f.From < exportPerFile {
			f.Count, f.To = f.Count+n, j.Counted+1
			return
		}
		break
	}
	j.Files = append(j.Files, exportFile{Type: t, Count: n, From: j.Counted, To: j.Counted + 1})
}
