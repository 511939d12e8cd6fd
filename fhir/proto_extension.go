package fhir

import "google.golang.org/protobuf/reflect/protoreflect"

// Extensions by which google/fhir marks what JSON says without an extension.
const (
	noValueURL = "https://g.co/fhir/StructureDefinition/primitiveHasNoValue"
	strideURL  = "https://g.co/fhir/StructureDefinition/base64Binary-separatorStride"
)

// extension returns the first extension of a primitive with that url, or nil.
func (v view) extension(url string) protoreflect.Message {
	if !v.has(&v.p.ext) {
		return nil
	}
	list := v.message().Get(v.p.ext.fd).List()
	for i := range list.Len() {
		if e := list.Get(i).Message(); extensionURL(e) == url {
			return e
		}
	}
	return nil
}

// extField returns the plan of the field with the extensions of a primitive.
func (p *plan) extField() *fieldPlan {
	return &fieldPlan{
		part: p.ext, shape: fieldComplex, name: "extension", key: `"extension":`, list: true,
		sub: p.set.of(p.ext.fd.Message()),
	}
}

// hasValue reports whether JSON shows a value of a primitive: google/fhir may mark that there is none, and an
// enum of 0 is none.
func (v view) hasValue() bool {
	return v.extension(noValueURL) == nil && (v.p.codes == nil || v.enum(&v.p.value) != 0)
}

// hasShadow reports whether a primitive has an id, or an extension that JSON shows.
func (v view) hasShadow() bool {
	return v.has(&v.p.id) || v.hasVisibleExtension()
}

// hasVisibleExtension reports whether a primitive has an extension that JSON shows.
func (v view) hasVisibleExtension() bool {
	if !v.has(&v.p.ext) {
		return false
	}
	list := v.message().Get(v.p.ext.fd).List()
	for i := range list.Len() {
		if isVisible(list.Get(i).Message()) {
			return true
		}
	}
	return false
}

// isVisible reports whether JSON shows an extension of a primitive.
func isVisible(e protoreflect.Message) bool {
	url := extensionURL(e)
	return url != noValueURL && url != strideURL
}

// extensionURL returns Extension.url.
func extensionURL(e protoreflect.Message) string {
	url := e.Get(e.Descriptor().Fields().ByName("url")).Message()
	return url.Get(url.Descriptor().Fields().ByName("value")).String()
}
