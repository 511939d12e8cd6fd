package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/coordination"
)

// coordinationBlock is the member coordination of a --config file: the limits of the rules that find overlap
// between organisations (coordination.md 2). What is left out is as the jurisdiction has it.
type coordinationBlock struct {
	limitsBlock    `yaml:",inline"`
	Zone           string                 `yaml:"zone,omitempty"`
	NeedGroups     map[string][]string    `yaml:"needGroups,omitempty"`
	Contradictions [][2]string            `yaml:"contradictions,omitempty"`
	Organizations  map[string]limitsBlock `yaml:"organizations,omitempty"` // by Organization/id: stricter limits of their own
}

// limitsBlock is the limits that are given.
type limitsBlock struct {
	O1Days          *int `yaml:"o1Days,omitempty"`
	O2Days          *int `yaml:"o2Days,omitempty"`
	O5Days          *int `yaml:"o5Days,omitempty"`
	O5Starts        *int `yaml:"o5Starts,omitempty"`
	O5Minutes       *int `yaml:"o5Minutes,omitempty"`
	O6TravelMinutes *int `yaml:"o6TravelMinutes,omitempty"`
	O8GraceDays     *int `yaml:"o8GraceDays,omitempty"`
}

// mostOfALimit is the largest number that a limit takes: days of ten years, or minutes of a week.
const mostOfALimit = 10_080

// UnmarshalText reads the block: YAML with known members alone.
func (b *coordinationBlock) UnmarshalText(text []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var out coordinationBlock
	if err := d.Decode(&out); err != nil && !errors.Is(err, io.EOF) {
		var wrong *yaml.TypeError
		if errors.As(err, &wrong) && len(wrong.Errors) > 0 {
			return fmt.Errorf("coordination: %s", wrong.Errors[0])
		}
		return errors.New("coordination: is not a map of settings")
	}
	if err := out.bounded(); err != nil {
		return err
	}
	for name, own := range out.Organizations {
		if ref, ok := fhir.ParseRef(name); !ok || ref.Type != "Organization" || ref.Version > 0 {
			return errors.New("coordination: organizations are named Organization/{id}")
		}
		if err := own.bounded(); err != nil {
			return err
		}
	}
	if _, err := time.LoadLocation(out.Zone); err != nil {
		return errors.New("coordination: zone is the name of a time zone, such as Europe/Stockholm")
	}
	*b = out
	return nil
}

// limit is a number that may be given, and where it goes.
type limit struct {
	given *int
	to    *int
}

// bounded refuses a limit that is none.
func (b limitsBlock) bounded() error {
	for name, limit := range b.limits(&coordination.Limits{}) {
		if limit.given != nil && (*limit.given < 0 || *limit.given > mostOfALimit) {
			return fmt.Errorf("coordination: %s is a number from 0 to %d", name, mostOfALimit)
		}
	}
	return nil
}

// over returns the limits with those that are given in their place.
func (b limitsBlock) over(l coordination.Limits) coordination.Limits {
	for _, limit := range b.limits(&l) {
		if limit.given != nil {
			*limit.to = *limit.given
		}
	}
	return l
}

func (b limitsBlock) limits(s *coordination.Limits) map[string]limit {
	return map[string]limit{
		"o1Days": {b.O1Days, &s.O1Days}, "o2Days": {b.O2Days, &s.O2Days}, "o5Days": {b.O5Days, &s.O5Days},
		"o5Starts": {b.O5Starts, &s.O5Starts}, "o5Minutes": {b.O5Minutes, &s.O5Minutes},
		"o6TravelMinutes": {b.O6TravelMinutes, &s.O6TravelMinutes}, "o8GraceDays": {b.O8GraceDays, &s.O8GraceDays},
	}
}

// coordination returns the rules of the deployment, with the concept maps that are published and loaded.
func (s settings) coordination(maps []*fhir.Resource) (*coordination.Rules, error) {
	r := &coordination.Rules{Settings: coordination.Defaults(s.Jurisdiction), Groups: coordination.NewGroups(maps)}
	b := s.Coordination
	r.Settings.Limits = b.over(r.Settings.Limits)
	for name, own := range b.Organizations {
		ref, _ := fhir.ParseRef(name)
		limits := own.over(r.Settings.Limits)
		if limits != r.Settings.Limits.Stricter(limits) {
			return nil, fmt.Errorf("coordination: a limit of %s is looser than that of the deployment; an organisation may be stricter alone", name)
		}
		if r.Settings.Stricter == nil {
			r.Settings.Stricter = map[fhir.Ref]coordination.Limits{}
		}
		r.Settings.Stricter[ref] = limits
	}
	if b.Zone != "" {
		zone, err := time.LoadLocation(b.Zone)
		if err != nil {
			return nil, fmt.Errorf("coordination: %w", err)
		}
		r.Settings.Zone = zone
	}
	if b.Contradictions != nil {
		r.Settings.Contradictions = b.Contradictions
	}
	if b.NeedGroups != nil {
		r.Groups = r.Groups.With(b.NeedGroups)
	}
	return r, nil
}
