package rest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// Rounds of one comparison of times, and how often it is tried on a busy machine.
const (
	timeRounds = 60 / thin
	timeTries  = 6
)

// TestAHiddenResourceTakesTheTimeOfAMissingOne compares medians of reads that alternate, so that what
// else the machine does falls on both. A machine that is too busy gets several tries: a path that takes
// other steps for what is hidden fails them all.
func TestAHiddenResourceTakesTheTimeOfAMissingOne(t *testing.T) {
	w := newTown(t, auth.Settings{Jurisdiction: "nl"}, true, nil)
	for _, as := range []string{"zza mother", "home"} {
		for path, id := range map[string]string{
			"/fhir/Observation/%s": "Observation", "/fhir/CarePlan/%s/_history/1": "CarePlan", "/fhir/Goal/%s/_history": "Goal",
			"/fhir/Patient/%s/$everything": "Patient", "/fhir/Observation?_id=%s": "Observation", "/fhir/CarePlan?patient=%s": "Patient",
		} {
			hidden, missing := fmt.Sprintf(path, "zzb-"+id), fmt.Sprintf(path, "zzc-"+id)
			ratio := 0.0
			for range timeTries {
				if ratio = w.compare(as, hidden, missing); ratio < 2 && ratio > 0.5 {
					break
				}
			}
			if ratio >= 2 || ratio <= 0.5 {
				t.Errorf("%s %s: hidden takes %.2f times as long as missing", as, path, ratio)
			}
		}
	}
}

// compare returns the ratio of the medians of two requests that alternate.
func (w *town) compare(as, one, other string) float64 {
	var took [2][]time.Duration
	for n := range 2 * timeRounds {
		path := []string{one, other}[n%2]
		start := time.Now()
		w.get(as, path)
		took[n%2] = append(took[n%2], time.Since(start))
	}
	for i := range took {
		slices.Sort(took[i])
	}
	return float64(took[0][timeRounds/2]) / float64(took[1][timeRounds/2])
}
