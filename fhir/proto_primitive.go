package fhir

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// primitive is how one primitive type stands in JSON.
type primitive struct {
	write func(text []byte, v view) ([]byte, error)
	read  func(n Node, p *plan, m protoreflect.Message) error
}

// primitives are the types that are not plain strings or codes.
var primitives = map[protoreflect.Name]primitive{
	"Boolean":      {writeBoolean, readBoolean},
	"Integer":      {writeInteger, readInteger},
	"PositiveInt":  {writeUnsigned, readPositive},
	"UnsignedInt":  {writeUnsigned, readUnsigned},
	"Decimal":      {writeDecimal, readDecimal},
	"Base64Binary": {writeBinary, readBinary},
	"Date":         {writeTime, readTime},
	"DateTime":     {writeTime, readTime},
	"Instant":      {writeTime, readTime},
	"Time":         {writeClock, readClock},
}

// plainString is every other type with a string for its value, codes without an enum too.
var plainString = primitive{writeString, readString}

// enumCode is a code with an enum.
var enumCode = primitive{writeCode, readCode}

func writeString(text []byte, v view) ([]byte, error) {
	return appendQuoted(text, v.text(&v.p.value))
}

func writeCode(text []byte, v view) ([]byte, error) {
	code, ok := v.p.codes.text[v.enum(&v.p.value)]
	if !ok {
		return nil, errors.New("the code is not in the enum")
	}
	return appendQuoted(text, code)
}

func writeBoolean(text []byte, v view) ([]byte, error) {
	return strconv.AppendBool(text, v.message().Get(v.p.value.fd).Bool()), nil
}

func writeInteger(text []byte, v view) ([]byte, error) {
	return strconv.AppendInt(text, v.message().Get(v.p.value.fd).Int(), 10), nil
}

func writeUnsigned(text []byte, v view) ([]byte, error) {
	return strconv.AppendUint(text, v.message().Get(v.p.value.fd).Uint(), 10), nil
}

func writeDecimal(text []byte, v view) ([]byte, error) {
	value := v.text(&v.p.value)
	s := scanner{src: value}
	if !s.number() || s.pos != len(value) {
		return nil, errors.New("the decimal is not a number")
	}
	return append(text, value...), nil
}

func readString(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != String {
		return errShape
	}
	m.Set(p.value.fd, protoreflect.ValueOfString(n.Text()))
	return nil
}

func readCode(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != String {
		return errShape
	}
	number, ok := p.codes.numbers[n.Text()]
	if !ok {
		return errors.New("the code is not in its value set")
	}
	m.Set(p.value.fd, protoreflect.ValueOfEnum(number))
	return nil
}

func readBoolean(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != Bool {
		return errShape
	}
	m.Set(p.value.fd, protoreflect.ValueOfBool(n.Raw() == "true"))
	return nil
}

func readInteger(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != Number {
		return errShape
	}
	v, err := strconv.ParseInt(n.Raw(), 10, 32)
	if err != nil {
		return errors.New("an integer of 32 bits is expected")
	}
	m.Set(p.value.fd, protoreflect.ValueOfInt32(int32(v)))
	return nil
}

func readUnsigned(n Node, p *plan, m protoreflect.Message) error {
	return readNatural(n, p, m, 0)
}

func readPositive(n Node, p *plan, m protoreflect.Message) error {
	return readNatural(n, p, m, 1)
}

// readNatural reads an integer from least to 2^31-1.
func readNatural(n Node, p *plan, m protoreflect.Message, least uint64) error {
	if n.Shape() != Number {
		return errShape
	}
	v, err := strconv.ParseUint(n.Raw(), 10, 31)
	if err != nil || v < least {
		return fmt.Errorf("an integer from %d to 2147483647 is expected", least)
	}
	m.Set(p.value.fd, protoreflect.ValueOfUint32(uint32(v)))
	return nil
}

func readDecimal(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != Number {
		return errShape
	}
	m.Set(p.value.fd, protoreflect.ValueOfString(n.Raw()))
	return nil
}
