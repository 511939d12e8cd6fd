package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// workload is one kind of use, measured over HTTP.
type workload struct {
	id, what string
	clients  []int // nil: those of --clients
	prepare  func(*bench, context.Context) (job, error)
}

// workloadList is in the order of the table.
var workloadList = []workload{
	{"W1", "read a CarePlan by id, organisation under consent", []int{mostClients}, (*bench).reading},
	{"W2", "CarePlan?patient&status&_count=20, parent", nil, (*bench).parentSearch},
	{"W2", "the same, organisation under consent", []int{mostClients}, (*bench).consentSearch},
	{"W3", "create a CarePlan of 4 kB", nil, (*bench).creating},
	{"W4", "transaction of 20 resources", []int{8}, (*bench).transacting},
	{"W5", "$submit of a transfer", []int{8}, (*bench).submitting},
	{"W6", "backend token, ES384 assertion", []int{8}, (*bench).tokenRequests},
}

// workloads measures those that are wanted.
func (b *bench) workloads(ctx context.Context) error {
	for _, w := range workloadList {
		if !b.o.wants(w.id) {
			continue
		}
		clients := w.clients
		if clients == nil {
			clients = b.o.Clients
		}
		for _, n := range clients {
			if err := b.measure(ctx, w, n, ""); err != nil {
				return err
			}
		}
	}
	b.memory = memoryOf(b.site.pid(), "VmHWM")
	return nil
}

// measure runs one workload with so many clients and keeps the row. note goes into its name.
func (b *bench) measure(ctx context.Context, w workload, clients int, note string) error {
	b.say("measuring %s with %d clients%s", w.id, clients, note)
	do, err := w.prepare(b, ctx)
	if err != nil {
		return fmt.Errorf("%s cannot be prepared: %w", w.id, err)
	}
	profiled := b.profile(ctx, w.id, clients)
	f := drive(ctx, clients, b.o.duration(), b.site.pid(), do)
	if err := <-profiled; err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if f.Count == 0 || f.Failed > 0 {
		return fmt.Errorf("%s: %d answers were wrong, such as: %s", w.id, f.Failed, f.First)
	}
	b.rows = append(b.rows, row{ID: w.id, What: w.what + note, figures: f})
	return nil
}

// searchset is what is looked at in the answer to a search before the clock runs.
type searchset struct {
	Type  string
	Entry []struct {
		Resource struct {
			ResourceType, ID, Status string
			Subject                  struct{ Reference string }
		}
	}
}

// matches runs the search of W2 once and looks at every entry. It returns how many there are and
// their ids: what each later answer is held against.
func (b *bench) matches(ctx context.Context, token, patient string) ([]string, error) {
	body, err := b.site.client.call(ctx, &worker{}, request{path: planSearch(patient), token: token})
	if err != nil {
		return nil, err
	}
	var set searchset
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range set.Entry {
		r := e.Resource
		if r.ResourceType != "CarePlan" || r.Status != "active" || r.Subject.Reference != "Patient/"+patient {
			return nil, errors.New("a search found what it should not")
		}
		ids = append(ids, r.ID)
	}
	if len(ids) == 0 {
		return nil, errors.New("a search finds nothing")
	}
	return ids, nil
}

func planSearch(patient string) string {
	return "/fhir/CarePlan?patient=" + patient + "&status=active&_count=20"
}

// target is a child as one reader sees it.
type target struct {
	patient string
	plans   []string // that the search finds
}

// holds reports whether a searchset has so many entries, all of the patient.
func (t target) holds(body []byte) error {
	entries, subject := bytes.Count(body, []byte(`"fullUrl":`)), bytes.Count(body, []byte(`"Patient/`+t.patient+`"`))
	if entries != min(len(t.plans), 20) || subject < entries {
		return fmt.Errorf("the search brought %d of %d plans", entries, len(t.plans))
	}
	return nil
}

// parentSearch is W2 with the token of a parent, each worker's own child and parent.
func (b *bench) parentSearch(ctx context.Context) (job, error) {
	if err := b.renew(ctx); err != nil {
		return nil, err
	}
	targets := make([]target, len(b.parents))
	for i, p := range b.parents {
		plans, err := b.matches(ctx, p.token, p.child.patient)
		if err != nil {
			return nil, err
		}
		targets[i] = target{p.child.patient, plans}
	}
	return func(ctx context.Context, w *worker) (int, error) {
		i := w.rnd.IntN(len(targets))
		body, err := b.site.client.call(ctx, w, request{path: planSearch(targets[i].patient), token: b.parents[i].token})
		if err != nil {
			return 0, err
		}
		return 1, targets[i].holds(body)
	}, nil
}

// consented are children whose plans the hospital may read: it asked for the transfer, and the
// parents permit it. At most 2,000 are drawn, so that preparing stays short.
func (b *bench) consented(ctx context.Context) ([]target, error) {
	children := b.readers()
	step := max(len(children)/2000, 1)
	var out []target
	for i := 0; i < len(children); i += step {
		token, err := b.site.token(ctx, hospital)
		if err != nil {
			return nil, err
		}
		plans, err := b.matches(ctx, token, children[i].patient)
		if err != nil {
			return nil, err
		}
		out = append(out, target{children[i].patient, plans})
	}
	return out, nil
}

func (b *bench) consentSearch(ctx context.Context) (job, error) {
	targets, err := b.consented(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w *worker) (int, error) {
		token, err := b.site.token(ctx, hospital)
		if err != nil {
			return 0, err
		}
		t := targets[w.rnd.IntN(len(targets))]
		body, err := b.site.client.call(ctx, w, request{path: planSearch(t.patient), token: token})
		if err != nil {
			return 0, err
		}
		return 1, t.holds(body)
	}, nil
}

// reading is W1: a plan of another organisation, which the parents let the hospital read.
func (b *bench) reading(ctx context.Context) (job, error) {
	targets, err := b.consented(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, w *worker) (int, error) {
		token, err := b.site.token(ctx, hospital)
		if err != nil {
			return 0, err
		}
		t := targets[w.rnd.IntN(len(targets))]
		id := t.plans[w.rnd.IntN(len(t.plans))]
		body, err := b.site.client.call(ctx, w, request{path: "/fhir/CarePlan/" + id, token: token})
		if err == nil && !(bytes.Contains(body, []byte(id)) && bytes.Contains(body, []byte(`"resourceType":"CarePlan"`))) {
			err = errors.New("a read brought something else")
		}
		return 1, err
	}, nil
}

// carePlan is a valid CarePlan of about 4 kB about a child.
func carePlan(patient string, n uint64) []byte {
	const activity = `{"detail":{"kind":"ServiceRequest","code":{"coding":[{"system":"http://snomed.info/sct","code":"%d","display":"Wondzorg"}],"text":"Wondzorg aan huis"},` +
		`"status":"in-progress","scheduledTiming":{"repeat":{"boundsPeriod":{"start":"2026-05-01"},"frequency":%d,"period":1,"periodUnit":"d"}},` +
		`"performer":[{"display":"Thuiszorg Voorbeeld"}],"description":"Wond spoelen en verbinden, stap %d van het protocol"}}`
	activities := make([]string, 9)
	for i := range activities {
		activities[i] = fmt.Sprintf(activity, 100_000+(n+uint64(i))%900_000, 1+(n+uint64(i))%8, i)
	}
	return fmt.Appendf(nil, `{"resourceType":"CarePlan","identifier":[{"system":"https://drieluik.example/fhir/NamingSystem/bench","value":"%d"}],`+
		`"status":"active","intent":"plan","category":[{"coding":[{"system":"http://snomed.info/sct","code":"736353004"}]}],"title":"Zorgplan",`+
		`"subject":{"reference":"Patient/%s"},"period":{"start":"2026-05-01","end":"2027-08-01"},"created":"2026-05-01T10:00:00+02:00",`+
		`"activity":[%s],"note":[{"time":"2026-05-01T10:00:00+02:00","text":"Overleg met ouders"}]}`, n, patient, strings.Join(activities, ","))
}

// creating is W3, by the organisation that keeps the child's record.
func (b *bench) creating(context.Context) (job, error) {
	draw := b.writers()
	return func(ctx context.Context, w *worker) (int, error) {
		token, err := b.site.token(ctx, homecare)
		if err != nil {
			return 0, err
		}
		patient := draw(w.rnd)
		body, err := b.site.client.call(ctx, w, request{
			method: http.MethodPost, path: "/fhir/CarePlan", token: token, media: fhirMedia, body: carePlan(patient, w.rnd.Uint64()),
		})
		if err == nil && !bytes.Contains(body, []byte(`"versionId":"1"`)) {
			err = errors.New("a create answered without what it stored")
		}
		return 1, err
	}, nil
}

// transactionSize is how many resources W4 writes at once.
const transactionSize = 20

// transacting is W4: observations of one child, the first of them named by the others.
func (b *bench) transacting(context.Context) (job, error) {
	draw := b.writers()
	const first = "urn:uuid:0d9d3a3e-6f3c-4a2b-9a55-0d9b1a6f0001"
	return func(ctx context.Context, w *worker) (int, error) {
		token, err := b.site.token(ctx, homecare)
		if err != nil {
			return 0, err
		}
		patient := draw(w.rnd)
		var doc bytes.Buffer
		doc.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
		for i := range transactionSize {
			name, derived := first, ""
			if i > 0 {
				name, derived = fmt.Sprintf("urn:uuid:0d9d3a3e-6f3c-4a2b-9a55-0d9b1a6f%04d", i+1), `,"derivedFrom":[{"reference":"`+first+`"}]`
				doc.WriteByte(',')
			}
			fmt.Fprintf(&doc, `{"fullUrl":"%s","request":{"method":"POST","url":"Observation"},"resource":%s}`, name, observation(patient, w.rnd.IntN(1000), derived))
		}
		doc.WriteString("]}")
		body, err := b.site.client.call(ctx, w, request{method: http.MethodPost, path: "/fhir", token: token, media: fhirMedia, body: doc.Bytes()})
		if n := bytes.Count(body, []byte(`"status":"201`)); err == nil && n != transactionSize {
			err = fmt.Errorf("a transaction wrote %d of %d", n, transactionSize)
		}
		return transactionSize, err
	}, nil
}

func observation(patient string, value int, more string) string {
	return fmt.Sprintf(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}]}],`+
		`"code":{"coding":[{"system":"http://loinc.org","code":"29463-7","display":"Body weight"}],"text":"Gewicht"},"subject":{"reference":"Patient/%s"},`+
		`"effectiveDateTime":"2026-11-02T09:30:00+01:00","valueQuantity":{"value":%d.%d,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"},`+
		`"note":[{"text":"Gewogen zonder kleding, voor de voeding."}]%s}`, patient, 3+value/100, value%100, more)
}

// submitting is W5: a transfer of a child that the hospital reports for the first time.
func (b *bench) submitting(context.Context) (job, error) {
	return func(ctx context.Context, w *worker) (int, error) {
		locations, err := b.push(ctx, w, transferRecord, int(b.next.Add(1))-1)
		if err == nil && !slices.ContainsFunc(locations, func(l string) bool { return strings.HasPrefix(l, "Composition/") }) {
			err = errors.New("a transfer made no Composition")
		}
		for _, l := range locations {
			if id, ok := strings.CutPrefix(l, "Patient/"); ok && b.o.Soak > 0 {
				id, _, _ = strings.Cut(id, "/")
				b.pushed.add(id)
			}
		}
		return len(locations), err
	}, nil
}

// tokenRequests is W6. Assertions are signed before the clock runs: signing is the client's work.
func (b *bench) tokenRequests(ctx context.Context) (job, error) {
	most := int(b.limits[0].Verify*b.o.Seconds*1.2) + 100
	forms := make(chan []byte, most)
	for i := range most {
		form, err := b.site.tokenForm(tokenClient(i))
		if err != nil {
			return nil, err
		}
		forms <- form
	}
	return func(ctx context.Context, w *worker) (int, error) {
		select {
		case form := <-forms:
			body, err := b.site.client.call(ctx, w, request{method: http.MethodPost, path: "/auth/token", media: formMedia, body: form})
			if err == nil && !bytes.Contains(body, []byte(`"access_token":"`)) {
				err = errors.New("the token endpoint gave no token")
			}
			return 1, err
		default:
			return 0, errDone
		}
	}, nil
}
