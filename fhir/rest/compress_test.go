package rest_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// unpacked are the texts of a compressed answer.
func unpacked(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLargeAnswersAreCompressedForWhoAcceptsIt: what comes out is the answer as it is, and a cache between is told.
func TestLargeAnswersAreCompressedForWhoAcceptsIt(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("home")
	note := strings.Repeat("gewogen zonder kleding, ", 400)
	g.create("home", "CarePlan", fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/%s"},"note":[{"text":%q}]}`, patient, note))
	search := "/fhir/CarePlan?patient=" + patient
	plain := g.get("home", search).want(t, http.StatusOK)
	small := g.get("home", search, "Accept-Encoding", "gzip").want(t, http.StatusOK)
	if small.header.Get("Content-Encoding") != "gzip" || len(small.body) > len(plain.body)/4 {
		t.Fatalf("%d bytes, encoded %q, of %d", len(small.body), small.header.Get("Content-Encoding"), len(plain.body))
	}
	if ids := decode[bundleOf](t, unpacked(t, small.body)).ids(); len(ids) != 2 {
		t.Errorf("the answer holds %v", ids)
	}
	for _, a := range []answer{plain, small} {
		if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Accept-Encoding") {
			t.Errorf("a cache is told that the answer varies with %q", a.header.Values("Vary"))
		}
	}
	for _, accept := range []string{"", "identity", "gzip;q=0", "br"} {
		if a := g.get("home", search, "Accept-Encoding", accept); a.header.Get("Content-Encoding") != "" {
			t.Errorf("who accepts %q gets %q", accept, a.header.Get("Content-Encoding"))
		}
	}
	if a := g.get("home", "/fhir/Patient/"+patient, "Accept-Encoding", "gzip").want(t, http.StatusOK); a.header.Get("Content-Encoding") != "" {
		t.Error("a small answer is compressed")
	}
	batch := g.do("home", http.MethodPost, "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"CarePlan?patient=`+patient+`"}}]}`,
		"Accept-Encoding", "gzip").want(t, http.StatusOK)
	if text := unpacked(t, batch.body); !strings.Contains(text, note) {
		t.Errorf("the entry of a batch is %.300s", text)
	}
}

// TestTheSizeOfACompressedAnswerTellsNothing: answers that hardly differ are not about as long, so that whoever can add
// to a request and sees sizes does not learn what else the answer holds.
func TestTheSizeOfACompressedAnswerTellsNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _ := g.child("home")
	g.create("home", "CarePlan", fmt.Sprintf(`{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/%s"},"note":[{"text":%q}]}`,
		patient, strings.Repeat("stil ", 800)))
	sizes := map[int]bool{}
	for count := range 40 {
		sizes[len(g.get("home", fmt.Sprintf("/fhir/CarePlan?patient=%s&_count=%d", patient, 50+count), "Accept-Encoding", "gzip").body)] = true
	}
	if len(sizes) < 15 {
		t.Errorf("40 answers have the sizes %v", sizes)
	}
}
