package exchange

import (
	"bytes"
	"context"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// exportRun is how many lines are decided on, and in the log, before the first of them leaves.
const exportRun = 500

// ExportFile gives emit the resources of one file of an export, each as JSON without a line break. Each is decided on
// now, as it is now, and is in the log of its child before emit gets it. NotFound when there is no such
// file; any error after the first line means that the rest is missing.
func (s *Service) ExportFile(ctx context.Context, c Call, id string, n int, emit func(line []byte) error) error {
	const op = "exchange.ExportFile"
	c.Operation = "export"
	e := s.event(c, auth.Export, "Patient")
	job, _, err := s.exportOf(ctx, &e, id)
	if err != nil {
		return err
	}
	if n < 0 || n >= len(job.Files) || !job.Planned {
		e.missed()
		if err := s.record(ctx, op, e.audits(s)); err != nil {
			return err
		}
		return notFound(op, "not-found")
	}
	f := job.Files[n]
	for at := f.From; at < f.To; {
		lines, next, err := s.exportRun(ctx, c, job, f, at)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := emit(line); err != nil {
				return err
			}
		}
		at = next
	}
	return nil
}

// exportRun reads the lines of some children from the one at a place on, and writes them into the log. It
// returns the place of the next child.
func (s *Service) exportRun(ctx context.Context, c Call, job *exportJob, f exportFile, at int) ([][]byte, int, error) {
	const op = "exchange.ExportFile"
	e := s.event(c, auth.Export, f.Type)
	var lines [][]byte
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		only := *job
		only.Types = []fhir.Type{f.Type}
		var err error
		if refused, err = w.mayExport(&e, &only); refused != nil || err != nil {
			return err
		}
		for ; at < f.To && len(lines) < exportRun; at++ {
			more, err := w.exportChild(v, &e, job, f.Type, job.Children[at])
			if err != nil {
				return err
			}
			lines = append(lines, more...)
		}
		return nil
	})
	if err != nil {
		return nil, at, s.broke(ctx, op, e, err)
	}
	if len(lines) > 0 {
		e.touches = e.touches[1:] // the children tell of it, not the request
	}
	if err := s.disclose(ctx, op, e); err != nil {
		return nil, at, err
	}
	return lines, at, refused
}

// exportChild returns the lines of one child.
func (w *world) exportChild(v Snapshot, e *event, job *exportJob, t fhir.Type, child string) ([][]byte, error) {
	const op = "exchange.ExportFile"
	heads, err := w.heads(v, child, t)
	if err != nil {
		return nil, unavailable(op, "policy-unavailable", err)
	}
	var lines [][]byte
	for i := range heads {
		d, err := w.leaves(e, job, &heads[i])
		if err != nil {
			return nil, err
		}
		if !d.Permit {
			continue
		}
		st, err := v.Read(heads[i].Ref.Current())
		if err != nil {
			return nil, unavailable(op, "policy-unavailable", err)
		}
		served, err := w.serve(e.call.Principal, st, d)
		if err != nil {
			return nil, err
		}
		e.saw(st, d)
		lines = append(lines, oneLine(served.Body))
	}
	return lines, nil
}

// oneLine returns JSON without a line break: in JSON one stands between members alone, never in a text.
func oneLine(body []byte) []byte {
	if !bytes.ContainsAny(body, "\n\r") {
		return body
	}
	return bytes.Map(func(c rune) rune {
		if c == '\n' || c == '\r' {
			return ' '
		}
		return c
	}, body)
}
