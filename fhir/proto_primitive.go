package fhir

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Extensions by which google/fhir marks what JSON says without an extension.
const (
	noValueURL = "https://g.co/fhir/StructureDefinition/primitiveHasNoValue"
	strideURL  = "https://g.co/fhir/StructureDefinition/base64Binary-separatorStride"
)

// primitive is how one primitive type stands in JSON.
type primitive struct {
	write func(text []byte, p *plan, m protoreflect.Message) ([]byte, error)
}

// primitives are the types that are not plain strings. A code with an enum is found by its value.
var primitives = map[protoreflect.Name]primitive{
	"Boolean":      {writeBoolean},
	"Integer":      {writeInteger},
	"PositiveInt":  {writeUnsigned},
	"UnsignedInt":  {writeUnsigned},
	"Decimal":      {writeDecimal},
	"Base64Binary": {writeBinary},
	"Date":         {writeTime},
	"DateTime":     {writeTime},
	"Instant":      {writeTime},
	"Time":         {writeClock},
}

func writeString(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	return appendQuoted(text, m.Get(p.value).String())
}

func writeCode(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	number := m.Get(p.value).Enum()
	if number == 0 {
		return text, nil
	}
	code, ok := p.codes.text[number]
	if !ok {
		return nil, errors.New("the code is not in the enum")
	}
	return appendQuoted(text, code)
}

func writeBoolean(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	return strconv.AppendBool(text, m.Get(p.value).Bool()), nil
}

func writeInteger(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	return strconv.AppendInt(text, m.Get(p.value).Int(), 10), nil
}

func writeUnsigned(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	return strconv.AppendUint(text, m.Get(p.value).Uint(), 10), nil
}

func writeDecimal(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	value := m.Get(p.value).String()
	s := scanner{src: value}
	if !s.number() || s.pos != len(value) {
		return nil, errors.New("the decimal is not a number")
	}
	return append(text, value...), nil
}

// writeBinary writes base64, broken up with spaces when the separator extension says so.
func writeBinary(text []byte, p *plan, m protoreflect.Message) ([]byte, error) {
	encoded := base64.StdEncoding.EncodeToString(m.Get(p.value).Bytes())
	separator, stride := p.stride(m)
	text = append(text, '"')
	for stride > 0 && len(encoded) > stride {
		text = append(text, encoded[:stride]...)
		text = append(text, separator...)
		encoded = encoded[stride:]
	}
	text = append(text, encoded...)
	return append(text, '"'), nil
}

// stride returns how the base64 text of m was broken up: separator and distance.
func (p *plan) stride(m protoreflect.Message) (string, int) {
	ext := p.extension(m, strideURL)
	if ext == nil {
		return "", 0
	}
	parts := ext.Get(ext.Descriptor().Fields().ByName("extension")).List()
	separator, stride := "", 0
	for i := range parts.Len() {
		part := parts.Get(i).Message()
		value := part.Get(part.Descriptor().Fields().ByName("value")).Message()
		branch := value.WhichOneof(value.Descriptor().Oneofs().Get(0))
		if branch == nil {
			continue
		}
		v := value.Get(branch).Message()
		v0 := v.Get(v.Descriptor().Fields().ByName("value"))
		switch {
		case extensionURL(part) == "separator" && branch.Name() == "string_value":
			separator = v0.String()
		case extensionURL(part) == "stride" && branch.Name() == "positive_int":
			stride = int(v0.Uint())
		}
	}
	if strings.Trim(separator, " ") != "" {
		return "", 0
	}
	return separator, stride
}

// extension returns the first extension of a primitive with that url, or nil.
func (p *plan) extension(m protoreflect.Message, url string) protoreflect.Message {
	if p.ext == nil || !m.Has(p.ext) {
		return nil
	}
	list := m.Get(p.ext).List()
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
		fd: p.ext, shape: fieldComplex, name: "extension", key: `"extension":`,
		sub: p.set.of(p.ext.Message()),
	}
}

// hasShadow reports whether a primitive has an id, or an extension that JSON shows.
func (p *plan) hasShadow(m protoreflect.Message) bool {
	return p.id != nil && m.Has(p.id) || p.hasVisibleExtension(m)
}

// hasVisibleExtension reports whether a primitive has an extension that JSON shows.
func (p *plan) hasVisibleExtension(m protoreflect.Message) bool {
	if p.ext == nil || !m.Has(p.ext) {
		return false
	}
	list := m.Get(p.ext).List()
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
