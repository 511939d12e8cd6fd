package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestManyConditionsCostLittleMoreThanFew compares a search with as many conditions as are taken with
// one that has a few, in the same run: a stranger must not hold the server with one request.
func TestManyConditionsCostLittleMoreThanFew(t *testing.T) {
	g := newRig(t)
	g.submit("home", record(t, childFile)).want(t, http.StatusCreated)
	g.submit("home", record(t, "boris/07-zorgplan-v3.json")).want(t, http.StatusCreated)
	search := func(condition string, n int) time.Duration {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf("%s=x%d", condition, i)
		}
		path := "/fhir/CarePlan?" + strings.Join(parts, "&")
		start := time.Now()
		g.get("home", path).want(t, http.StatusOK)
		return time.Since(start)
	}
	for _, condition := range []string{"identifier", "category", "status:not"} {
		few := search(condition, 2) + search(condition, 3)
		if many := search(condition, 32); many > 50*few {
			t.Errorf("%s: 32 conditions take %v, five %v", condition, many, few)
		}
	}
}
