package mks

import (
	"strconv"

	"github.com/drieluik/drieluik/fhir"
)

// Identifier systems of the Netherlands.
const (
	bsnSystem   = "http://fhir.nl/fhir/NamingSystem/bsn"
	uraSystem   = "http://fhir.nl/fhir/NamingSystem/ura"
	agbSystem   = "http://fhir.nl/fhir/NamingSystem/agb-z"
	uzoviSystem = "http://fhir.nl/fhir/NamingSystem/uzovi"
	bigSystem   = "http://fhir.nl/fhir/NamingSystem/big"
)

// source returns "{ura}/{app}".
func (h head) source() string { return h.ura + "/" + h.app }

// base returns the identifier system that all ids of the source system begin with.
func (h head) base() string { return fhir.Canonical + "/bron/" + h.source() }

// metaSource returns meta.source of this record version.
func (h head) metaSource() string {
	return h.base() + "#" + h.recordType + "/" + h.recordID + "/" + strconv.Itoa(h.version)
}

// anchorKey returns the key of the anchor without its type (mks.md 3.1).
func (h head) anchorKey() string {
	if h.recordType == "kind" {
		return h.source() + "/" + h.localID
	}
	return h.source() + "/" + h.recordType + "/" + h.recordID
}

// recordKey identifies the record without its version, "" when a part of it is faulty.
func (h head) recordKey() string {
	if h.ura == "" || h.app == "" || h.recordType == "" || h.recordID == "" {
		return ""
	}
	return h.source() + "/" + h.recordType + "/" + h.recordID
}
