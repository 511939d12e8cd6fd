package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
)

// footprint measures the binary, a start on the store as it is now, memory, and bytes at rest.
func (b *bench) footprint(ctx context.Context) error {
	if !b.o.wants("start") && len(b.o.Only) > 0 {
		return nil
	}
	b.say("measuring start, memory and bytes at rest")
	info, err := os.Stat(b.site.binary)
	if err != nil {
		return err
	}
	raw, err := b.rawSize(ctx)
	if err != nil {
		return err
	}
	b.site.stop()
	rest, err := atRest(filepath.Join(b.site.dir, "data", "drieluik.db"))
	if err != nil {
		return fmt.Errorf("the store cannot be measured: %w", err)
	}
	took, err := b.site.start(ctx)
	if err != nil {
		return err
	}
	idle := memoryOf(b.site.pid(), "VmRSS")
	if _, err := b.transact(ctx, 1); err != nil { // what is made once, at the first, is not the transaction's
		return err
	}
	before := memoryOf(b.site.pid(), "VmHWM")
	large, err := b.transact(ctx, maxEntries)
	if err != nil {
		return err
	}
	grown := memoryOf(b.site.pid(), "VmHWM") - before
	b.rows = append(b.rows,
		row{ID: "start", What: fmt.Sprintf("cold start to ready on %d versions", rest.versions), Value: took.Seconds(), Unit: "s"},
		row{ID: "memory", What: "idle after a start", Value: float64(idle) / (1 << 20), Unit: "MB"},
		row{ID: "memory", What: "most under the load", Value: float64(b.memory) / (1 << 20), Unit: "MB"},
		row{ID: "memory", What: fmt.Sprintf("%s %.1f MB, to its size", largeBundle, float64(large)/1e6), Value: float64(grown) / float64(large), Unit: "×"},
		row{ID: "at-rest", What: "bytes of a stored version, indexes included, to its JSON", Value: rest.perVersion() / raw, Unit: "×"},
		row{ID: "at-rest", What: "stored body to its JSON", Value: rest.perBody() / raw, Unit: "×"},
		row{ID: "binary", What: "size of the binary", Value: float64(info.Size()) / (1 << 20), Unit: "MB"},
	)
	return nil
}

// largeBundle begins the name of the row about the largest transaction that the server takes.
const largeBundle = "grown by a transaction of"

// transact sends a transaction of CarePlans, and returns its size in bytes.
func (b *bench) transact(ctx context.Context, entries int) (int, error) {
	token, err := b.site.token(ctx, homecare)
	if err != nil {
		return 0, err
	}
	var doc bytes.Buffer
	doc.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range entries {
		if i > 0 {
			doc.WriteByte(',')
		}
		plan := carePlan(b.children[i%len(b.children)].patient, rand.Uint64())
		fmt.Fprintf(&doc, `{"request":{"method":"POST","url":"CarePlan"},"resource":%s}`, plan)
	}
	doc.WriteString("]}")
	body, err := b.site.client.call(ctx, &worker{}, request{method: http.MethodPost, path: "/fhir", token: token, media: fhirMedia, body: doc.Bytes()})
	if n := bytes.Count(body, []byte(`"status":"201`)); err == nil && n != entries {
		err = fmt.Errorf("a transaction wrote %d of %d", n, entries)
	}
	return doc.Len(), err
}

// maxEntries is how many entries the server takes in one transaction.
const maxEntries = 1000

// atRestFigures are sums over a store file.
type atRestFigures struct {
	versions int
	bodies   int64 // bytes of stored bodies
	pages    int64 // bytes of the pages of resources and their index, the log left out
}

func (f atRestFigures) perVersion() float64 { return float64(f.pages) / float64(max(f.versions, 1)) }
func (f atRestFigures) perBody() float64    { return float64(f.bodies) / float64(max(f.versions, 1)) }

// resourceTables hold resources; the log, the outbox and the tokens do not count as theirs.
const resourceTables = `'resource_version','resource_head','idx','gidx','locate','head_type','head_cust','head_author',
	'sqlite_autoindex_resource_version_1','idem','epoch','dict'`

// atRest reads a closed store.
func atRest(file string) (atRestFigures, error) {
	var out atRestFigures
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		return out, err
	}
	defer db.Close() // read only
	if err := db.QueryRow(`SELECT count(*), coalesce(sum(length(body)),0) FROM resource_version`).Scan(&out.versions, &out.bodies); err != nil {
		return out, err
	}
	return out, db.QueryRow(`SELECT coalesce(sum(pgsize),0) FROM dbstat WHERE name IN (` + resourceTables + `)`).Scan(&out.pages)
}

// rawSize is the mean length of the JSON of stored resources: those that a sample of searches over
// the children brings.
func (b *bench) rawSize(ctx context.Context) (float64, error) {
	token, err := b.site.token(ctx, homecare)
	if err != nil {
		return 0, err
	}
	size, n := 0, 0
	for range min(len(b.children), 40) {
		c := b.children[rand.IntN(len(b.children))]
		for _, kind := range rawTypes {
			body, err := b.site.client.call(ctx, &worker{}, request{path: "/fhir/" + kind.name + "?" + kind.param + "=" + c.patient + "&_count=200", token: token})
			if err != nil {
				return 0, err
			}
			var set struct {
				Entry []struct{ Resource json.RawMessage }
			}
			if err := json.Unmarshal(body, &set); err != nil {
				return 0, err
			}
			for _, e := range set.Entry {
				size, n = size+len(e.Resource), n+1
			}
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("the sample of stored resources is empty")
	}
	return float64(size) / float64(n), nil
}

// rawTypes are what the story of a child is made of, and the parameter that names the child.
var rawTypes = []struct{ name, param string }{
	{"Patient", "_id"}, {"RelatedPerson", "patient"}, {"CarePlan", "patient"}, {"Goal", "patient"}, {"Condition", "patient"},
	{"Observation", "patient"}, {"CareTeam", "patient"}, {"Composition", "patient"}, {"Task", "patient"}, {"Encounter", "patient"},
	{"MedicationRequest", "patient"}, {"MedicationStatement", "patient"}, {"Consent", "patient"}, {"Provenance", "patient"}, {"ServiceRequest", "patient"},
	{"NutritionOrder", "patient"}, {"AllergyIntolerance", "patient"}, {"Flag", "patient"}, {"DeviceUseStatement", "patient"}, {"Procedure", "patient"},
}
