package store

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// writes are the versions that the events of one chain tell of.
type writes struct {
	named map[string]bool // "Type/id/_history/v"
	more  []uncounted
}

// uncounted is an event that only counts the rest of what it wrote.
type uncounted struct {
	at   int64
	left int
}

func newWrites() *writes { return &writes{named: map[string]bool{}} }

// writtenEvent is what an AuditEvent says of what was written.
type writtenEvent struct {
	Recorded, Outcome string
	Entity            []struct {
		What      struct{ Reference string }
		Lifecycle struct{ Code string }
		Detail    []struct{ Type, ValueString string }
	}
}

// writeLives are the life cycles of writes (access.md 8): create, amend, delete.
var writeLives = map[string]bool{"1": true, "3": true, "14": true}

// event reads one row: its instant stands in it once, and what it tells of writes that were done.
func (w *auditWalk) event(told *writes, r *exchange.AuditRow) error {
	var e writtenEvent
	if err := json.Unmarshal(r.Body, &e); err != nil {
		return w.broke(r.Compartment, r.Seq, BreakBody)
	}
	if e.Recorded != r.At.UTC().Format(instant) {
		return w.broke(r.Compartment, r.Seq, BreakRecorded)
	}
	if e.Outcome != "0" {
		return nil
	}
	for _, o := range e.Entity {
		if writeLives[o.Lifecycle.Code] {
			told.named[o.What.Reference] = true
		}
		for _, d := range o.Detail {
			if n, err := strconv.Atoi(d.ValueString); err == nil && d.Type == exchange.MoreDetail {
				told.more = append(told.more, uncounted{r.At.UnixMilli(), n})
			}
		}
	}
	return nil
}

// tells reports whether the chain has an event of a version that was written at an instant.
func (t *writes) tells(ref string, at int64) bool {
	if t.named[ref] {
		return true
	}
	i := slices.IndexFunc(t.more, func(u uncounted) bool { return u.left > 0 && u.at >= at && u.at < at+1000 })
	if i < 0 {
		return false
	}
	t.more[i].left--
	return true
}

// written holds the versions that a compartment keeps to the events of its chain. What belongs to no
// child, the directory too, is told of in that of the system.
func (w *auditWalk) written(c *compID, told *writes) error {
	switch c.name {
	case exchange.DirectoryCompartment: // its events are in the chain that comes after it
		return nil
	case exchange.SystemCompartment:
		if err := w.versions(exchange.DirectoryCompartment, told); err != nil {
			return err
		}
	}
	return w.versions(c.name, told)
}

// versions looks for the event of every version that a compartment keeps.
func (w *auditWalk) versions(comp string, told *writes) error {
	names := map[int64]string{}
	err := w.s.c.each(w.s.ctx, func(scan func(...any) error) error {
		var rid int64
		var kind, id string
		err := scan(&rid, &kind, &id)
		names[rid] = kind + "/" + id + "/_history/"
		return err
	}, `SELECT h.rid,d.text,h.id FROM resource_head h CROSS JOIN dict d ON d.n=h.type WHERE h.comp=(SELECT comp FROM epoch WHERE name=?)`, comp)
	if err != nil {
		return err
	}
	from := max(w.low, w.anchors[comp].Before)
	if comp == exchange.DirectoryCompartment {
		from = max(w.low, w.anchors[exchange.SystemCompartment].Before)
	}
	until := w.high
	if !w.check.To.IsZero() { // the event of a version is recorded with it, or just after
		until -= 1000
	}
	return w.s.c.each(w.s.ctx, func(scan func(...any) error) error {
		var rid, version, at, place int64
		var dict int
		var body []byte
		if err := scan(&rid, &version, &at, &place, &dict, &body); err != nil {
			return err
		}
		ref := names[rid] + strconv.FormatInt(version, 10)
		kind := ""
		of, _ := fhir.ParseRef(ref)
		if _, err := metaIn(of, place, dict, body); err != nil {
			kind = BreakVersion
		}
		if !told.tells(ref, at) {
			kind = BreakUnlogged
		}
		if kind == "" {
			return nil
		}
		w.out.Break = &Break{Compartment: comp, Seq: version, Kind: kind, Ref: ref}
		return errBroken
	}, `SELECT rid,ver,at,meta_at,dict,body FROM resource_version WHERE comp=(SELECT comp FROM epoch WHERE name=?) AND at>=? AND at<=?`, comp, from, until)
}
