package exchange

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Bounds of exports.
const (
	exportLife    = 24 * time.Hour // after which an export is over
	exportsAtOnce = 20             // of one client
	exportPrefix  = "export/"
)

// Jobs keeps what was asked for and is not over, by key. fhir/store implements it.
type Jobs interface {
	// Setting returns what is kept under a key, false when nothing is.
	Setting(ctx context.Context, key string) ([]byte, bool, error)
	// Settings returns what is kept under the keys that begin with prefix.
	Settings(ctx context.Context, prefix string) (map[string][]byte, error)
	// SaveSetting keeps a value durably; nil removes it.
	SaveSetting(ctx context.Context, key string, value []byte) error
}

// Bulk asks for the records of many children as files (Bulk Data Access: $export of Patient and Group).
type Bulk struct {
	Group    fhir.Ref    // whose members; zero: Patients say
	Patients []fhir.Ref  // none, and no Group: all children of whom the principal may export something
	Types    []fhir.Type // none: each that a child's record has and the token reaches
	Since    time.Time   // what changed at this instant or later; zero: all
	Request  string      // as sent, for the manifest
	Query    url.Values  // as sent, for the AuditEvent
}

// exportJob is an export as it is kept. It holds names alone: a line is decided on, and read, when its
// file is downloaded, so that nothing that was withdrawn since can be in it (access.md 6.1).
type exportJob struct {
	Request            string
	Types              []fhir.Type
	Since, At, Expires time.Time
	Listed             bool     // all children are known
	Children           []string // patient ids
	Counted            int      // children whose resources were counted
	Planned            bool     // all were
	Files              []exportFile
}

func (j *exportJob) resources() (n int) {
	for _, f := range j.Files {
		n += f.Count
	}
	return n
}

// exportFile is one file: the resources of a type of some children. Count is that of when it was planned.
type exportFile struct {
	Type     fhir.Type
	Count    int
	From, To int // of Children
}

// Exported tells how far an export is. Files are there when it is done.
type Exported struct {
	Done        bool
	Resources   int // that may leave, as far as they are counted: how many children were looked at would tell of hidden ones
	At, Expires time.Time
	Request     string
	Files       []ExportedFile
}

// ExportedFile is one file of an export.
type ExportedFile struct {
	Type  fhir.Type
	Count int // resources when the export was planned
}

func exportKey(p auth.Principal, id string) string { return exportPrefix + p.Client + "/" + id }

// Export begins an export and returns its id, with which the same client asks how far it is. Forbidden
// for who has no system/ scope, NotFound for a Group that the principal may not see, TooMany when the
// client has as many exports as it may.
func (s *Service) Export(ctx context.Context, c Call, ask Bulk) (string, error) {
	const op = "exchange.Export"
	c.Operation = "export"
	e := s.event(c, auth.Export, "Patient")
	e.query = ask.Query
	job := exportJob{Request: ask.Request, Types: ask.Types, Since: ask.Since, At: s.now(), Expires: s.now().Add(exportLife)}
	var refused error
	err := s.store.View(ctx, func(v Snapshot) error {
		w := s.world(v)
		var err error
		if refused, err = w.mayExport(&e, &job); refused != nil || err != nil {
			return err
		}
		refused, err = s.exportWhom(w, &e, ask, &job)
		return err
	})
	if err != nil {
		return "", s.broke(ctx, op, e, err)
	}
	if err := s.disclose(ctx, op, e); err != nil || refused != nil {
		return "", cmp.Or(err, refused)
	}
	done, err := s.turns.take(ctx, []string{exportKey(c.Principal, "")}) // who counts sees what was begun just before
	if err != nil {
		return "", unavailable(op, "policy-unavailable", err)
	}
	defer done()
	if err := s.exportRoom(ctx, c.Principal); err != nil {
		return "", err
	}
	id := s.newID()
	return id, s.saveExport(ctx, exportKey(c.Principal, id), &job)
}

// mayExport judges what an export needs of the token, and settles its types: with none, all that the token
// reaches.
func (w *world) mayExport(e *event, job *exportJob) (refused, err error) {
	p, given := e.call.Principal, len(job.Types) > 0
	if p.Role != auth.System {
		d := auth.Decision{HTTP: 403, Step: "scope", Reason: "scope-missing", Needs: "a system/ scope: children are exported to systems alone"}
		e.denied(d, p.Patient)
		return refusal("exchange.Export", d), nil
	}
	if !given {
		job.Types = recordTypes()
	}
	var reached []fhir.Type
	var barred auth.Decision
	for _, t := range job.Types {
		d, err := w.decide(p, auth.Action{Interaction: auth.Export, Type: t}, nil)
		switch {
		case err != nil:
			return nil, err
		case d.Permit:
			reached = append(reached, t)
		default:
			barred = d
		}
	}
	if barred.HTTP != 0 && (given || len(reached) == 0) {
		e.denied(barred, p.Patient)
		return refusal("exchange.Export", barred), nil
	}
	job.Types = reached
	e.asked(auth.Decision{Permit: true, HTTP: 200})
	return nil, nil
}

// recordTypes are the types of a child's record.
func recordTypes() []fhir.Type {
	return slices.DeleteFunc(slices.Clone(fhir.Types()), func(t fhir.Type) bool { return auth.IsDirectory(t) || t == auditType })
}

// exportWhom says whose records are exported, where the request does: all others are looked for later.
func (s *Service) exportWhom(w *world, e *event, ask Bulk, job *exportJob) (refused, err error) {
	for _, ref := range ask.Patients {
		job.Children = append(job.Children, ref.ID)
	}
	job.Listed = len(ask.Patients) > 0
	if ask.Group.IsZero() {
		return nil, nil
	}
	asked := e.touches
	e.interaction = auth.Read
	served, refused, err := s.readOne(w, e, ask.Group)
	e.interaction = auth.Export
	if refused != nil || err != nil {
		return refused, err
	}
	e.touches = append(asked, e.touches...)
	group, err := served.tree()
	if err != nil {
		return nil, err
	}
	members := map[string]bool{}
	for m := range group.Root().All("member") {
		ref, ok := fhir.ParseRef(m.At("entity", "reference").Text())
		if ok && ref.Type == "Patient" && m.Member("inactive").Text() != "true" && !members[ref.ID] {
			members[ref.ID] = true
		}
	}
	wanted := func(id string) bool {
		return members[id] && (len(ask.Patients) == 0 || slices.Contains(job.Children, id))
	}
	all := job.Children[:0:0]
	for id := range members {
		if wanted(id) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	job.Children, job.Listed = all, true
	return nil, nil
}

// exportRoom refuses a client that has as many exports as it may, after those that are over are gone.
func (s *Service) exportRoom(ctx context.Context, p auth.Principal) error {
	const op = "exchange.Export"
	kept, err := s.jobs.Settings(ctx, exportKey(p, ""))
	if err != nil {
		return unavailable(op, "policy-unavailable", err)
	}
	live := 0
	for key, value := range kept {
		var job exportJob
		if json.Unmarshal(value, &job) == nil && s.now().Before(job.Expires) {
			live++
			continue
		}
		if err := s.jobs.SaveSetting(ctx, key, nil); err != nil {
			return unavailable(op, "policy-unavailable", err)
		}
	}
	if live >= exportsAtOnce {
		return fhir.Errorf(fhir.TooMany, op, "throttled", "export-many",
			"This client has as many exports as it may; send DELETE to the status URL of one that is done with.")
	}
	return nil
}

func (s *Service) saveExport(ctx context.Context, key string, job *exportJob) error {
	const op = "exchange.Export"
	value, err := json.Marshal(job)
	if err == nil {
		err = s.jobs.SaveSetting(ctx, key, value)
	}
	if err != nil {
		return unavailable(op, "policy-unavailable", err)
	}
	return nil
}

// exportOf returns an export of the caller's client that is not over, and what it was read from.
func (s *Service) exportOf(ctx context.Context, e *event, id string) (*exportJob, Setting, error) {
	const op = "exchange.Export"
	was := Setting{Key: exportKey(e.call.Principal, id)}
	var ok bool
	var err error
	if was.Value, ok, err = s.jobs.Setting(ctx, was.Key); err != nil {
		return nil, was, unavailable(op, "policy-unavailable", err)
	}
	job := new(exportJob)
	if ok && json.Unmarshal(was.Value, job) == nil && s.now().Before(job.Expires) {
		return job, was, nil
	}
	e.missed()
	if err := s.record(ctx, op, e.audits(s)); err != nil {
		return nil, was, err
	}
	return nil, was, notFound(op, "not-found")
}

// ExportStatus takes an export a step further and tells how far it is: it is planned by those who wait for
// it, with what they may see, and goes on at any process after a stop. NotFound when there is no such export
// of this client.
func (s *Service) ExportStatus(ctx context.Context, c Call, id string) (Exported, error) {
	const op = "exchange.ExportStatus"
	c.Operation = "export"
	e := s.event(c, auth.Export, "Patient")
	job, was, err := s.exportOf(ctx, &e, id)
	if err != nil {
		return Exported{}, err
	}
	if refused, err := s.planExport(ctx, &e, job); err != nil || refused != nil {
		return Exported{}, cmp.Or(err, refused)
	}
	err = s.advanceExport(ctx, e, was, job)
	if moved(err) { // another look took it further meanwhile, or it was dropped
		now := s.event(c, auth.Export, "Patient")
		if job, _, err = s.exportOf(ctx, &now, id); err == nil {
			err = s.record(ctx, op, e.audits(s))
		}
	}
	if err != nil {
		return Exported{}, err
	}
	return job.told(), nil
}

// advanceExport keeps how far an export is, with the rows of the look that took it there. moved says that it is not
// any more what the look found.
func (s *Service) advanceExport(ctx context.Context, e event, was Setting, job *exportJob) error {
	const op = "exchange.ExportStatus"
	value, err := json.Marshal(job)
	if err != nil {
		return fhir.Wrap(op, err)
	}
	var u Unit
	if !bytes.Equal(value, was.Value) {
		u.Relied, u.Settings = []Reliance{{Setting: &was}}, []Setting{{Key: was.Key, Value: value}}
	}
	_, err = s.commit(ctx, op, e, u)
	return err
}

// told is what its client is told of an export.
func (j *exportJob) told() Exported {
	out := Exported{Done: j.Planned, Resources: j.resources(), At: j.At, Expires: j.Expires, Request: j.Request}
	if out.Done {
		for _, f := range j.Files {
			out.Files = append(out.Files, ExportedFile{f.Type, f.Count})
		}
	}
	return out
}

// DropExport ends an export. NotFound when there is no such export of this client.
func (s *Service) DropExport(ctx context.Context, c Call, id string) error {
	const op = "exchange.DropExport"
	c.Operation = "export"
	_, err := again(s, func() ([]Written, error) {
		e := s.event(c, auth.Delete, "Patient")
		_, was, err := s.exportOf(ctx, &e, id)
		if err != nil {
			return nil, err
		}
		e.asked(auth.Decision{Permit: true, HTTP: 202})
		return s.commit(ctx, op, e, Unit{Relied: []Reliance{{Setting: &was}}, Settings: []Setting{{Key: was.Key}}}) // a look at it writes it too
	})
	if moved(err) {
		return contended(op, err)
	}
	return err
}
