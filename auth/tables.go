package auth

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Systems of codes and identifiers that decisions read.
const (
	systemDomain          = fhir.Canonical + "/CodeSystem/mks-domein"
	systemRecord          = fhir.Canonical + "/CodeSystem/mks-record"
	systemAccessLabel     = fhir.Canonical + "/CodeSystem/access-label"
	systemAccessFlag      = fhir.Canonical + "/CodeSystem/access-flag"
	systemPlanKind        = fhir.Canonical + "/CodeSystem/plan-soort"
	systemConsentKind     = fhir.Canonical + "/CodeSystem/toestemming-soort"
	systemSwedishConsent  = fhir.Canonical + "/CodeSystem/se-samtycke"
	systemSwedishMeeting  = fhir.Canonical + "/CodeSystem/se-mote"
	systemSwedishCall     = fhir.Canonical + "/CodeSystem/se-kallelse"
	systemPlanType        = "https://fhir.inera.se/CodeSystem/typeofcareplan-cs"
	systemOwnPlanType     = fhir.Canonical + "/CodeSystem/se-plantyp"
	systemNetworkConsent  = fhir.Canonical + "/CodeSystem/netwerk-toestemming"
	systemNetworkView     = fhir.Canonical + "/CodeSystem/netwerk-inzage"
	systemNetworkTask     = fhir.Canonical + "/CodeSystem/netwerk-taak"
	systemNetworkMeasure  = fhir.Canonical + "/CodeSystem/netwerk-meting"
	systemOrgCategory     = fhir.Canonical + "/CodeSystem/organisatie-soort"
	systemSwedishOrg      = fhir.Canonical + "/CodeSystem/se-verksamhet"
	systemRepresentative  = fhir.Canonical + "/CodeSystem/se-foretradare"
	systemTeamRole        = fhir.Canonical + "/CodeSystem/teamrol"
	systemTeamKind        = fhir.Canonical + "/CodeSystem/careteam-soort"
	systemOverlap         = fhir.Canonical + "/CodeSystem/overlap-rule"
	systemCoordination    = fhir.Canonical + "/CodeSystem/coordination"
	systemSmartClient     = fhir.Canonical + "/sid/smart-client"
	systemDutchOrg        = "http://nictiz.nl/fhir/NamingSystem/organization-type"
	systemSwedishLabel    = "http://hl7.se/fhir/ig/base/CodeSystem/SecurityLabel"
	systemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	systemReason          = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemParticipation   = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemConsentScope    = "http://terminology.hl7.org/CodeSystem/consentscope"
	systemConsentAction   = "http://terminology.hl7.org/CodeSystem/consentaction"
	systemTypes           = "http://hl7.org/fhir/resource-types"
	systemObsCategory     = "http://terminology.hl7.org/CodeSystem/observation-category"
	systemActCode         = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

	extCustody    = fhir.Canonical + "/StructureDefinition/gezag"
	extNetwork    = fhir.Canonical + "/StructureDefinition/netwerk-"
	extSource     = fhir.Canonical + "/StructureDefinition/source-member"
	extBarred     = fhir.Canonical + "/StructureDefinition/barred-party"
	extCategories = fhir.Canonical + "/StructureDefinition/gegevenscategorie"
)

// typeSet is a set of resource types.
type typeSet map[fhir.Type]bool

func types(names ...fhir.Type) typeSet {
	s := make(typeSet, len(names))
	for _, n := range names {
		s[n] = true
	}
	return s
}

// Kinds of types, access.md 2.1.
var (
	directoryTypes = types("Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService",
		"Endpoint", "Questionnaire", "StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap",
		"SearchParameter", "OperationDefinition", "CapabilityStatement", "Medication", "Substance")
	careDirectoryTypes = types("Organization", "Practitioner", "PractitionerRole", "Location",
		"HealthcareService", "Medication")
	adminTypes = types("Patient", "RelatedPerson", "Person", "CareTeam", "Coverage", "Appointment",
		"AppointmentResponse", "Schedule", "Slot", "Encounter", "EpisodeOfCare", "Task", "Consent",
		"AuditEvent", "Provenance", "Account", "Subscription")
)

// IsDirectory reports whether t is a directory type (access.md 2.1).
func IsDirectory(t fhir.Type) bool { return directoryTypes[t] }

// CareDirectory reports whether t is a directory type that patient/ scopes open only as far as a
// readable resource of the compartment refers to it (access.md 2.1).
func CareDirectory(t fhir.Type) bool { return careDirectoryTypes[t] }

// IsAdmin reports whether t is an admin type (access.md 2.1).
func IsAdmin(t fhir.Type) bool { return adminTypes[t] }

// roleRow is what a role may bring, access.md 1.
type roleRow struct {
	levels   []string
	purposes []string // the first is the default
	person   bool     // guardian, child, helper
}

// reporting is the purpose of who has a duty to report to the social services (samordningsplan.md 7): it opens what the
// organisation keeps itself, and what a consent names for it.
const reporting = "PUBHLTH"

// reporters are the activities whose organisations have that duty.
var reporters = []string{"hsl", "sol", "lss", "skola", "tandvard"}

var roles = map[Role]roleRow{
	System:       {levels: []string{"system"}, purposes: []string{"TREAT", "COC", reporting}},
	Professional: {levels: []string{"user", "patient"}, purposes: []string{"TREAT", "COC", "ETREAT", "BTG", reporting}},
	Guardian:     {levels: []string{"patient", "user"}, purposes: []string{"FAMRQT"}, person: true},
	ChildRole:    {levels: []string{"patient", "user"}, purposes: []string{"PATRQT"}, person: true},
	Helper:       {levels: []string{"patient", "user"}, purposes: []string{"SUPNWK"}, person: true},
	Admin:        {levels: []string{"system", "user"}, purposes: []string{"HSYSADMIN", "HCOMPL"}},
}

// Purposes returns the purposes of use that a role may ask for; the first is its default.
func Purposes(r Role) []string { return slices.Clone(roles[r].purposes) }

// Levels returns the scope levels that count for a role; scopes of another level are void.
func Levels(r Role) []string { return slices.Clone(roles[r].levels) }

// purposeParents is v3-ActReason as far as access.md 4.2 uses it: code → wider code.
var purposeParents = map[string]string{
	"COC": "TREAT", "ETREAT": "TREAT", "BTG": "ETREAT",
	"FAMRQT": "PATRQT", "SUPNWK": "PATRQT",
	"CAREMGT": "HOPERAT", "HCOMPL": "HOPERAT", "HSYSADMIN": "HOPERAT",
}

// purposeWithin reports whether asked is wide or lies under it.
func purposeWithin(asked, wide string) bool {
	for ; asked != ""; asked = purposeParents[asked] {
		if asked == wide {
			return true
		}
	}
	return false
}

// interactionRow is the scope letter of an interaction, the HTTP status of its success, and
// what kind of act it is.
type interactionRow struct {
	letter    letters
	http      int
	write     bool
	disclose  bool // a pull with consent action disclose
	emergency bool // may be opened by break-glass
}

var interactions = map[Interaction]interactionRow{
	Read:            {letter: letterSet("r"), http: 200, emergency: true},
	VRead:           {letter: letterSet("r"), http: 200, emergency: true},
	HistoryInstance: {letter: letterSet("r"), http: 200, emergency: true},
	Include:         {letter: letterSet("r"), http: 200, emergency: true},
	HistoryType:     {letter: letterSet("s"), http: 200},
	SearchType:      {letter: letterSet("s"), http: 200, emergency: true},
	Notify:          {letter: letterSet("r"), http: 200, disclose: true},
	Export:          {letter: letterSet("r"), http: 200, disclose: true},
	MatchCreate:     {letter: letterSet("c"), http: 200},
	MatchUpdate:     {letter: letterSet("u"), http: 200},
	MatchDelete:     {letter: letterSet("d"), http: 200},
	Create:          {letter: letterSet("c"), http: 201, write: true},
	Update:          {letter: letterSet("u"), http: 200, write: true},
	Patch:           {letter: letterSet("u"), http: 200, write: true},
	Delete:          {letter: letterSet("d"), http: 204, write: true},
}

// refusedMethods are the interactions that no scope opens, access.md 3 step 2.
var refusedMethods = map[fhir.Type]map[Interaction]string{
	"AuditEvent": {Create: "immutable", Update: "immutable", Patch: "immutable", Delete: "immutable"},
	"Provenance": {Update: "immutable", Patch: "immutable", Delete: "immutable"},
	"Consent":    {Delete: "delete-refused"},
	"Patient":    {Delete: "delete-refused"},
}

// Refused reports whether no scope opens an interaction with a type: 405 for everybody.
func Refused(t fhir.Type, i Interaction) bool {
	_, refused := refusedMethods[t][i]
	return refused
}

// custodyTypes are the kinds of BRP gezag, access.md 2.3: true gives custody, false leaves it
// undetermined.
var custodyTypes = map[string]bool{
	"TweehoofdigOuderlijkGezag": true, "EenhoofdigOuderlijkGezag": true, "GezamenlijkGezag": true,
	"Voogdij": true, "TijdelijkGeenGezag": false, "GezagNietTeBepalen": false,
}

// Ages of a custody check in days, access.md 2.3.
const (
	custodyWarnDays  = 90
	custodyStaleDays = 365
)

// Break-glass limits, access.md 3.9.
const (
	btgLongest   = 4 * time.Hour
	btgMinReason = 10
)

// closedDomains stay closed in an emergency, access.md 3.9.
var closedDomains = []string{"sociaal", "ontwikkeling"}

// swedishAddressLabels shield the address of the whole compartment, access.md 2.4.
var swedishAddressLabels = []string{"sekretessmarkering", "skyddadFolkbokforing"}

// confidentialities orders v3-Confidentiality. An unknown code counts as V where it hides.
var confidentialities = map[string]int{"U": 0, "L": 1, "M": 2, "N": 3, "R": 4, "V": 5}

const (
	confidentialityN = 3
	confidentialityR = 4
	confidentialityV = 5
)

// familyIssues are the overlap rules that a guardian or child reads, access.md 3.4.
var familyIssues = []string{"O2", "O4", "O5", "O6"}

// jurisdictions maps countries to jurisdictions.
var jurisdictions = map[string]string{"NL": "nl", "SE": "se"}

// identifierJurisdictions maps part of an identifier system to a jurisdiction.
var identifierJurisdictions = []struct{ part, jurisdiction string }{
	{"electronichealth.se/", "se"}, {"/bsn", "nl"},
}
