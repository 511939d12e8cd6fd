package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// overlapPlans and overlapActs are what the child of W11 has: 60 activities of three organisations in two teams.
const (
	overlapPlans = 20
	overlapActs  = 3
)

// overlapJob is W11: a plan of a child with 60 activities is written, and the rules say what overlaps. The write
// is parsed before the clock runs, as a server has parsed it to validate it.
func overlapJob() (job, error) {
	all, err := artifacts.All()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	rules := coordination.Rules{Settings: coordination.Defaults("se"), Groups: coordination.NewGroups(all)}
	table := rules.NewTable(fhir.Ref{Type: "Patient", ID: "olle"})
	var writes []*fhir.Resource
	for i := range overlapPlans {
		for shift := range 2 {
			r, issues := fhir.Parse(overlapPlan(i, now.AddDate(0, 0, shift)), fhir.Limits{})
			if fhir.HasErrors(issues) {
				return nil, errors.New("the plan of the bench is not valid")
			}
			table.Put(r)
			writes = append(writes, r)
		}
	}
	for i := range 2 {
		team := fmt.Sprintf(`{"resourceType":"CareTeam","id":"t%d","status":"active","subject":{"reference":"Patient/olle"}}`, i)
		r, issues := fhir.Parse([]byte(team), fhir.Limits{})
		if fhir.HasErrors(issues) {
			return nil, errors.New("the team of the bench is not valid")
		}
		table.Put(r)
	}
	return func(_ context.Context, w *worker) (int, error) {
		table.Put(writes[w.rnd.IntN(len(writes))])
		if len(table.Findings(now).Findings) == 0 {
			return 0, errors.New("nothing overlaps")
		}
		return 1, nil
	}, nil
}

// overlapPlan is one plan of the child: most of it has begun long ago, some is soon to start.
func overlapPlan(i int, from time.Time) []byte {
	var acts []string
	for j := range overlapActs {
		start := from.AddDate(0, 0, 3+j-60*(i%10/3))
		acts = append(acts, fmt.Sprintf(`{"id":"a%d","detail":{"status":"scheduled","code":{"coding":[{"system":"%[2]s/CodeSystem/insats","code":"insats-%[3]d"}]},
			"reasonCode":[{"coding":[{"system":"%[2]s/CodeSystem/behov","code":"behov-%[4]d"}]}],"performer":[{"reference":"Organization/o%[5]d"}],
			"scheduledPeriod":{"start":%[6]q,"end":%[7]q}}}`, j, fhir.Canonical, i*overlapActs+j, (i+j)%10, i%3,
			start.Format(time.DateOnly), start.AddDate(0, 0, 90).Format(time.DateOnly)))
	}
	return fmt.Appendf(nil, `{"resourceType":"CarePlan","id":"p%d","status":"active","intent":"plan","subject":{"reference":"Patient/olle"},
		"careTeam":[{"reference":"CareTeam/t%d"}],"activity":[%s]}`, i, i%2, strings.Join(acts, ","))
}
