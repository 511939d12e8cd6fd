package rest

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// Bounds of what is compressed: what fits into two packets gains nothing. An answer holds what its request said, so
// that its size must not tell what else is in it: bytes are added, how many its content decides (BREACH).
const (
	compressFrom = 2500 // bytes
	compressPad  = 64   // bytes at most
)

// compressor compresses the answers of a handler for clients that accept gzip. Answers to the entries of a Bundle are
// compressed with the Bundle that holds them.
func compressor() (func(http.Handler) http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(compressFrom), gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.EnableZstd(false), gzhttp.SetContentType(false), gzhttp.RandomJitter(compressPad, 0, false))
	return func(h http.Handler) http.Handler {
		compressing := wrap(h)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, entry := senderOf(r.Context()); entry {
				h.ServeHTTP(w, r)
				return
			}
			compressing(w, r)
		})
	}, err
}
