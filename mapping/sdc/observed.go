package sdc

import (
	"net/url"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/path"
	"github.com/drieluik/drieluik/fhir/search"
)

// observed answers a question by the newest Observation of one of its codes within the period
// (SDC observation-based population).
func (p *populating) observed(q, period fhir.Node) ([]answer, error) {
	since, ok := before(p.in.Now, period)
	if !ok || p.in.Subject.IsZero() {
		p.issue(q, fhir.SeverityWarning, "invalid", "SDC-PERIOD",
			"The newest Observation is found for a subject and a period in UCUM units such as d, wk, mo or a; correct the form.")
		return nil, nil
	}
	var codes []string
	for code := range q.All("code") {
		codes = append(codes, search.Escape(code.Member("system").Text())+"|"+search.Escape(code.Member("code").Text()))
	}
	if len(codes) == 0 {
		return nil, nil
	}
	found, err := p.search("Observation?subject=" + p.in.Subject.String() + "&code=" + url.QueryEscape(strings.Join(codes, ",")) +
		"&status=final,amended,corrected&date=ge" + url.QueryEscape(since.Format(time.RFC3339)) + "&_sort=-date&_count=1")
	if err != nil || found == nil {
		return nil, err
	}
	for e := range found.Root().All("entry") {
		for c := range e.Member("resource").Children() {
			if strings.HasPrefix(c.Name(), "value") {
				return p.typed(q, []path.Item{path.Typed(numberOf(q, c))})
			}
		}
	}
	return nil, nil
}

// numberOf is the number of a Quantity where the question takes a number.
func numberOf(q, value fhir.Node) fhir.Node {
	if t := q.Member("type").Text(); value.Name() == "valueQuantity" && (t == "decimal" || t == "integer") {
		return value.Member("value")
	}
	return value
}

// periodUnits are the units of a Duration, as calendar days or as a span of time.
var periodUnits = map[string]struct {
	years, months, days int
	span                time.Duration
}{
	"a": {years: 1}, "mo": {months: 1}, "wk": {days: 7}, "d": {days: 1},
	"h": {span: time.Hour}, "min": {span: time.Minute}, "s": {span: time.Second},
}

// before returns the instant that lies a Duration of whole units back.
func before(now time.Time, period fhir.Node) (time.Time, bool) {
	code := period.Member("code").Text()
	if code == "" {
		code = period.Member("unit").Text()
	}
	u, ok := periodUnits[code]
	n, whole := wholeNumber(period.Member("value").Text())
	return now.AddDate(-n*u.years, -n*u.months, -n*u.days).Add(-time.Duration(n) * u.span), ok && whole
}

// wholeNumber reads a number of periods.
func wholeNumber(s string) (int, bool) {
	d, ok := path.ParseDecimal(s)
	n := int(d.Float())
	return n, ok && float64(n) == d.Float() && n > 0 && n <= 10_000
}
