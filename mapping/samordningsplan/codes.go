package samordningsplan

import (
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// statuses of a plan, and the lists that more than one place reads.
const (
	draft      = "utkast"
	called     = "kallad"
	active     = "aktiv"
	followUp   = "uppfoljning"
	ended      = "avslutad"
	broken     = "avbruten"
	cancelled  = "makulerad"
	childPlan  = "BARNPLAN"
	thePerson  = "person"
	onHold     = "avvaktar"
	guardian   = "vardnadshavare"
	standsIn   = "ersatter"
	takesOver  = "ersatts"
	mayMeet    = "motas"
	mayShare   = "utbyta-uppgifter"
	mayPlan    = "uppratta-plan"
	byGuardian = "foretradare"
)

// list is a closed list with a CodeSystem of ours.
func list(name string, codes ...string) form.List {
	return form.Codes(name, element.CodeSystem(name), codes...)
}

// plain is a closed list without one.
func plain(name string, codes ...string) form.List { return form.Codes(name, "", codes...) }

// Closed lists of samordningsplan.md 1. Read only.
var (
	planTypes   = plain("plantyp", "SIP", "SPU", "SPLPTLRV", "VP", "HP", "RP", "GP", "SVP", "SAMORD", childPlan, "CM", "LSS-IP")
	ownTypes    = list("se-plantyp", "SAMORD", childPlan, "CM", "LSS-IP")
	states      = plain("status", draft, called, active, followUp, ended, broken, cancelled)
	idTypes     = plain("idtyp", "personnummer", "samordningsnummer", "nationelltReservnummer", "LMA")
	sexes       = plain("kon", "kvinna", "man", "okand")
	protections = plain("skydd", "sekretessmarkering", "skyddadFolkbokforing")
	initiators  = list("se-initiativ", "personal", "enskild", "narstaende", guardian, "foretradare")
	guardians   = list("se-foretradare", guardian, "god-man", "forvaltare", "fullmakt", "annan-legal")
	kinship     = plain("roll", "mor", "far", "annan")
	consentBy   = plain("samtyckesform", "muntligt", "skriftligt")
	consentTo   = list("se-samtycke", mayMeet, mayShare, mayPlan)
	journals    = plain("dokumentation", "patientjournal", "omvardnadsjournal", "social-dokumentation")
	principals  = list("se-huvudman", "region", "kommun", "stat", "privat", "ideell")
	activities  = list("se-verksamhet", "hsl", "sol", "lss", "skola", "tandvard", "annan")
	meetings    = list("se-motesform", "fysiskt", "digitalt", "telefon")
	callKinds   = plain("kallelsetyp", "kallelse", "inbjudan")
	replies     = plain("svar", "kommer", "forhinder", "ej-svar")
	choosers    = plain("valdav", "enskild", "foretradare", "aktorer")
	mainBodies  = plain("huvudansvarig", "region", "kommun")
	uses        = plain("anvandssom", "underlag", takesOver, standsIn, "ersatter-ej")
	goalAuthors = plain("formuleratav", "enskild", byGuardian, "profession")
	outcomes    = list("se-uppfyllelse", "uppnatt", "delvis", "ej", "upphort")
	actStates   = plain("insatsstatus", "planerad", "pagaende", onHold, "avslutad", "avbruten", "avbojd")
	followUps   = plain("uppfoljningstyp", "uppfoljningsmote", "utvardering", "slutmote")
	endings     = list("se-avslut", "mal-uppnadda", "ej-flera-aktorer", "samtycke-aterkallat", "flyttat", "avliden",
		"ersatt-av-annan-plan", "annat")
	childRoles = list("se-ansvarig", "barnmorska", "bvc-sjukskoterska", "rektor", "kaa-handlaggare")
	segments   = list("hjulsegment", "safe", "healthy", "achieving", "nurtured", "active", "respected", "responsible", "included")
	childVoice = list("se-barnets-rost", "samtal", "bild", "ombud")
)

// Code systems and structures of others.
const (
	ineraPlanTypes  = "https://fhir.inera.se/CodeSystem/typeofcareplan-cs"
	securityLabels  = "http://hl7.se/fhir/ig/base/CodeSystem/SecurityLabel"
	seBase          = "http://hl7.se/fhir/ig/base/StructureDefinition/"
	roleCodes       = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
	goalPriority    = "http://terminology.hl7.org/CodeSystem/goal-priority"
	goalAchievement = "http://terminology.hl7.org/CodeSystem/goal-achievement"
	consentScope    = "http://terminology.hl7.org/CodeSystem/consentscope"
	consentAction   = "http://terminology.hl7.org/CodeSystem/consentaction"
	participation   = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	actReason       = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	dataOperation   = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
	agentTypes      = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
	languages       = "urn:ietf:bcp:47"
	interpreter     = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
)

// planStatus and teamStatus are CarePlan.status and CareTeam.status by status. Read only.
var (
	planStatus = map[string]string{draft: "draft", called: "draft", active: "active", followUp: "active",
		ended: "completed", broken: "revoked", cancelled: "entered-in-error"}
	teamStatus = map[string]string{draft: "proposed", called: "proposed", active: "active", followUp: "active",
		ended: "inactive", broken: "inactive", cancelled: "entered-in-error"}
	// foreignStatus is status by the CarePlan.status of a plan of another maker.
	foreignStatus = map[string]string{"draft": draft, "active": active, "completed": ended, "revoked": broken, "entered-in-error": cancelled}
	genders       = map[string]string{"kvinna": "female", "man": "male", "okand": "unknown"}
	kin           = map[string]string{"mor": "MTH", "far": "FTH"}
	achievement   = map[string]string{"uppnatt": "achieved", "delvis": "improving", "ej": "not-achieved", "upphort": "not-attainable"}
	actStatus     = map[string]string{"planerad": "scheduled", "pagaende": "in-progress", onHold: "on-hold", "avslutad": "completed",
		"avbruten": "stopped", "avbojd": "cancelled"}
	answers = map[string]string{"kommer": "accepted", "forhinder": "declined", "ej-svar": "needs-action"}
	// domainOf is the domain by the work of the aktör that answers; of any other it is sociaal.
	domainOf = map[string]string{"hsl": "medisch", "tandvard": "medisch", "skola": "ontwikkeling"}
)

// domains in the order in which tags stand. Read only.
var domains = []string{"medisch", "veiligheid", "sociaal", "ontwikkeling"}

// endpoint begins the identifier systems of all source systems; alias begins those of older ones.
const (
	endpoint = "https://tjanstekatalogen.inera.se/Endpoint/"
	alias    = "urn:oid:1.2.752.129.2.1.4.1#"
)
