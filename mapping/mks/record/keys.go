package record

import (
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// Identifier systems of the Netherlands.
const (
	BSNSystem   = "http://fhir.nl/fhir/NamingSystem/bsn"
	URASystem   = "http://fhir.nl/fhir/NamingSystem/ura"
	AGBSystem   = "http://fhir.nl/fhir/NamingSystem/agb-z"
	UZOVISystem = "http://fhir.nl/fhir/NamingSystem/uzovi"
	BIGSystem   = "http://fhir.nl/fhir/NamingSystem/big"
)

// Source returns "{ura}/{app}".
func (h Head) Source() string { return h.URA + "/" + h.App }

// Base returns the identifier system that all ids of the source system begin with.
func (h Head) Base() string { return fhir.Canonical + "/bron/" + h.URA + "/" + h.App }

// MetaSource returns meta.source of this record version.
func (h Head) MetaSource() string {
	return h.Base() + "#" + h.RecordType + "/" + h.RecordID + "/" + strconv.Itoa(h.Version)
}

// AnchorKey returns the key of the anchor without its type (mks.md 3.1).
func (h Head) AnchorKey() string {
	if h.RecordType == "kind" {
		return h.Source() + "/" + h.LocalID
	}
	return h.URA + "/" + h.App + "/" + h.RecordType + "/" + h.RecordID
}

// RecordKey identifies the record without its version, "" when a part of it is faulty.
func (h Head) RecordKey() string {
	if h.URA == "" || h.App == "" || h.RecordType == "" || h.RecordID == "" {
		return ""
	}
	return h.Source() + "/" + h.RecordType + "/" + h.RecordID
}

// careTeamID returns the id of the kindteam of this source.
func (h Head) CareTeamKey() string { return "CareTeam/" + h.Source() + "/" + h.LocalID }

// ListNames are the last part of the identifier systems of mks.md 2.5.
var ListNames = map[string]string{"bet": "betrokkene", "med": "medewerker", "org": "organisatie"}

// localID returns the identifier of a member of the lists bet, med or org.
func (h Head) LocalIdentifier(kind, id string) fhir.Identifier {
	return fhir.Identifier{System: h.Base() + "/" + ListNames[kind], Value: id}
}
