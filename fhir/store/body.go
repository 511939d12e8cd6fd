package store

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Dictionary ids of resource_version.dict and audit.dict. The id of a body never changes: a newer
// dictionary gets the next id and stands beside the older ones.
const (
	dictNone = 0 // stored as it is
	dictOne  = 1
)

// dictionaryOne is made of the project's fictional records by fhir/store/gen, never of live data.
//
//go:embed dictionary-1.zstd
var dictionaryOne []byte

// codec returns the shared compressor and decompressor, both safe for concurrent use. The level is
// the fastest: every body begins with a copy of the dictionary's tables, which slower levels have
// five times larger, for 2 % less size.
var codec = sync.OnceValues(func() (*codecs, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderDict(dictionaryOne),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderDicts(dictionaryOne), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return &codecs{enc, dec}, nil
})

// maxBody bounds what one body may unpack to, in bytes.
const maxBody = 64 << 20

// errBody says that a stored body cannot be unpacked.
var errBody = errors.New("stored body is damaged")

type codecs struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

// pack compresses a body and returns the id of the dictionary it takes to unpack it.
func pack(body []byte) ([]byte, int, error) {
	if len(body) == 0 {
		return []byte{}, dictNone, nil
	}
	c, err := codec()
	if err != nil {
		return nil, 0, err
	}
	return c.enc.EncodeAll(body, make([]byte, 0, len(body)/3+64)), dictOne, nil
}

// unpack is the way back of pack.
func unpack(packed []byte, dict int) ([]byte, error) {
	if dict == dictNone {
		return packed, nil
	}
	if dict != dictOne {
		return nil, fmt.Errorf("%w: needs dictionary %d, which this release does not have", errBody, dict)
	}
	c, err := codec()
	if err != nil {
		return nil, err
	}
	body, err := c.dec.DecodeAll(packed, make([]byte, 0, 4*len(packed)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	return body, nil
}
