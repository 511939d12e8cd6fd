package smart

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// emergencyPrefix is where the main store keeps which organisations may break the glass: by the id of the
// Organization (access.md 3.9).
const emergencyPrefix = "emergency/"

// EmergencyOrganization is an organisation whose professionals may open records in an emergency, with an
// app that is registered for it too.
type EmergencyOrganization struct {
	Identifier string    `json:"identifier"` // system|value, as it was given
	Name       string    `json:"name,omitempty"`
	Ref        string    `json:"ref"` // Organization/id
	Since      time.Time `json:"since"`
}

// PermitEmergency registers an organisation for emergencies, and creates or updates it: its identifier is
// system|value, its name may be empty. Unprocessable with every fault.
func (r *Registry) PermitEmergency(ctx context.Context, identifier, name string) (EmergencyOrganization, error) {
	const op = "smart.Registry.PermitEmergency"
	id, ok := parseIdentifier(identifier)
	if !ok {
		return EmergencyOrganization{}, fhir.Errorf(fhir.Unprocessable, op, "invalid", "organization.identifier", "Name the organisation by its identifier, as system|value.")
	}
	if name != "" && !isDisplayName(name) {
		return EmergencyOrganization{}, fhir.Errorf(fhir.Unprocessable, op, "invalid", "organization.name", "The name of the organisation has at most 80 characters, without control or direction characters.")
	}
	org, err := r.c.RegisterOrganization(ctx, Organization{Identifier: id, Name: name, NameIfNew: id.Value})
	if err != nil {
		return EmergencyOrganization{}, fhir.Wrap(op, err)
	}
	e := EmergencyOrganization{Identifier: identifier, Name: org.Name, Ref: org.Ref.Current().String(), Since: r.c.Clock().UTC()}
	value, err := json.Marshal(e)
	if err != nil {
		return e, fhir.Wrap(op, err)
	}
	return e, fhir.Wrap(op, r.saveEmergency(ctx, e, value, "emergencies permitted"))
}

// BarEmergency takes an organisation off that list: what was opened closes on the next request. NotFound
// when it is not there.
func (r *Registry) BarEmergency(ctx context.Context, identifier string) error {
	const op = "smart.Registry.BarEmergency"
	list, err := r.EmergencyOrganizations(ctx)
	if err != nil {
		return fhir.Wrap(op, err)
	}
	list = slices.DeleteFunc(list, func(e EmergencyOrganization) bool { return e.Identifier != identifier })
	if len(list) == 0 {
		return fhir.Errorf(fhir.NotFound, op, "not-found", "organization.identifier", "No organisation of this identifier may do so; emergency list shows them.")
	}
	for _, e := range list { // of an Organization that was made anew there are two
		if err := r.saveEmergency(ctx, e, nil, "emergencies barred"); err != nil {
			return fhir.Wrap(op, err)
		}
	}
	return nil
}

// EmergencyOrganizations are those that may break the glass, in the order of their identifiers.
func (r *Registry) EmergencyOrganizations(ctx context.Context) ([]EmergencyOrganization, error) {
	const op = "smart.Registry.EmergencyOrganizations"
	values, err := r.c.Store.Settings(ctx, emergencyPrefix)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	var list []EmergencyOrganization
	for _, value := range values {
		var e EmergencyOrganization
		if err := json.Unmarshal(value, &e); err != nil {
			return nil, fhir.Wrap(op, fmt.Errorf("organisation record: %w", err))
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b EmergencyOrganization) int { return strings.Compare(a.Identifier, b.Identifier) })
	return list, nil
}

func (r *Registry) saveEmergency(ctx context.Context, e EmergencyOrganization, value []byte, what string) error {
	_, id, _ := strings.Cut(e.Ref, "/")
	if err := r.c.Store.SaveSetting(ctx, emergencyPrefix+id, value); err != nil {
		return fmt.Errorf("organisation record: %w", err)
	}
	r.c.Log.LogAttrs(ctx, slog.LevelInfo, "organization_changed", slog.String("outcome", what), slog.String("organization", e.Ref))
	return nil
}

// permitsEmergency reports whether an organisation may break the glass now; Unavailable when the store
// fails.
func (r *Registry) permitsEmergency(ctx context.Context, org fhir.Ref) (bool, error) {
	_, found, err := r.c.Store.Setting(ctx, emergencyPrefix+org.ID)
	return found && err == nil, unavailable("smart.permitsEmergency", err)
}
