package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// AgePolicy is one row of ages and defaults of a jurisdiction, access.md 2.2. Ages are completed
// years.
type AgePolicy struct {
	ValidFrom          string `json:"validFrom"`          // local date; "" is 1900-01-01
	GuardianOwnRightTo int    `json:"guardianOwnRightTo"` // below: a guardian with custody reads in own right
	Middle             string `json:"middle"`             // up to youthAloneFrom: config (Settings.ParentRead1215), extension
	YouthAloneFrom     int    `json:"youthAloneFrom"`
	GuardianAfter      string `json:"guardianAfter"`     // youth-consent
	GuardianNever      []int  `json:"guardianNever"`     // ages at which not even that
	ChildFrom          int    `json:"childFrom"`         // the child reads
	ChildMaturityFrom  int    `json:"childMaturityFrom"` // the child reads with Flag mognad-atkomst; 0: never
	JointFrom          int    `json:"jointFrom"`         // sharing needs guardian and child
	GuardianMayBlock   bool   `json:"guardianMayBlock"`  // a guardian's deny counts against the default
	Default            string `json:"default"`           // deny, hsl
}

// Policies are the rows in force of each jurisdiction (nl, se). It is immutable.
type Policies struct {
	rows map[string][]policy // in order of validFrom
}

// shippedPolicies are the rows of access.md 2.2.
var shippedPolicies = &Policies{rows: map[string][]policy{
	"nl": {{validFrom: civil(1900, 1, 1), ownRightTo: 12, middle: middleConfig, youthAloneFrom: 16, youthMayOpen: true,
		childFrom: 12, childMaturityFrom: never, jointFrom: 12, guardianMayBlock: true}},
	"se": {{validFrom: civil(1900, 1, 1), ownRightTo: 13, middle: middleExtension, youthAloneFrom: 16, youthMayOpen: true,
		guardianNever: []int{16, 17}, childFrom: 16, childMaturityFrom: 13, jointFrom: 13, defaultCare: true}},
}}

// middle says how a guardian reads between guardianOwnRightTo and youthAloneFrom.
type middle uint8

const (
	middleConfig    middle = iota // Settings.ParentRead1215
	middleExtension               // a Swedish extension Consent
)

// never is an age that nobody reaches.
const never = 1 << 20

// policy is a compiled AgePolicy.
type policy struct {
	validFrom         day
	ownRightTo        int
	middle            middle
	youthAloneFrom    int
	youthMayOpen      bool
	guardianNever     []int
	childFrom         int
	childMaturityFrom int
	jointFrom         int
	guardianMayBlock  bool
	defaultCare       bool // between care givers when no Consent matches (hsl)
}

// NewPolicies compiles the rows of each jurisdiction. A jurisdiction without rows keeps those that
// are shipped. It fails on a word or date that it does not know.
func NewPolicies(tables map[string][]AgePolicy) (*Policies, error) {
	const op = "auth.NewPolicies"
	out := &Policies{rows: map[string][]policy{}}
	for jurisdiction, rows := range shippedPolicies.rows {
		out.rows[jurisdiction] = rows
	}
	for name, rows := range tables {
		jurisdiction := strings.ToLower(name)
		if _, ok := zones()[jurisdiction]; !ok {
			return nil, &fhir.Error{Op: op, Err: fmt.Errorf("unknown jurisdiction %q", name)}
		}
		compiled := make([]policy, 0, len(rows))
		for _, row := range rows {
			p, err := row.compile()
			if err != nil {
				return nil, fhir.Wrap(op, err)
			}
			compiled = append(compiled, p)
		}
		slices.SortStableFunc(compiled, func(a, b policy) int { return int(a.validFrom - b.validFrom) })
		if len(compiled) > 0 {
			out.rows[jurisdiction] = compiled
		}
	}
	return out, nil
}

func (a AgePolicy) compile() (policy, error) {
	p := policy{
		validFrom: civil(1900, 1, 1), ownRightTo: a.GuardianOwnRightTo, youthAloneFrom: a.YouthAloneFrom,
		youthMayOpen: a.GuardianAfter == "youth-consent", guardianNever: slices.Clone(a.GuardianNever),
		childFrom: a.ChildFrom, childMaturityFrom: a.ChildMaturityFrom, jointFrom: a.JointFrom,
		guardianMayBlock: a.GuardianMayBlock, defaultCare: a.Default == "hsl",
	}
	if p.childMaturityFrom == 0 {
		p.childMaturityFrom = never
	}
	middles := map[string]middle{"config": middleConfig, "extension": middleExtension}
	var ok bool
	if p.middle, ok = middles[a.Middle]; !ok {
		return policy{}, fmt.Errorf("unknown middle %q", a.Middle)
	}
	if !slices.Contains([]string{"deny", "hsl"}, a.Default) {
		return policy{}, fmt.Errorf("unknown default %q", a.Default)
	}
	if a.ValidFrom != "" {
		m, ok := parseMoment(a.ValidFrom)
		if !ok || m.precision != dayPrecision {
			return policy{}, fmt.Errorf("validFrom is not a date")
		}
		p.validFrom = m.first()
	}
	return p, nil
}

// policies returns the tables in force.
func (s Settings) policies() *Policies {
	if s.Policies == nil {
		return shippedPolicies
	}
	return s.Policies
}

// noPolicy stands where no row is in force.
var noPolicy policy

// on returns the row in force on a local date. It must not be changed.
func (p *Policies) on(jurisdiction string, today day) (*policy, bool) {
	rows := p.rows[jurisdiction]
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].validFrom <= today {
			return &rows[i], true
		}
	}
	return &noPolicy, false
}
