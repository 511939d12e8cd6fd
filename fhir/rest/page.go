package rest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// page is a position in a search, as a link carries it.
type page struct {
	Path   string `json:"p"` // of the search, below the base
	Query  string `json:"q"`
	Cursor string `json:"c"`
	Holder string `json:"h"` // grant or client that may use it
}

// pageSealer makes page links opaque and tamper-proof (AES-256-GCM).
type pageSealer struct{ aead cipher.AEAD }

func newPageSealer(key [32]byte) (pageSealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return pageSealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	return pageSealer{aead: aead}, err
}

func (s pageSealer) seal(p page) (string, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, nil)), nil
}

func (s pageSealer) open(token string) (page, error) {
	var p page
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return p, err
	}
	n := s.aead.NonceSize()
	if len(raw) < n {
		return p, errors.New("page link too short")
	}
	plain, err := s.aead.Open(nil, raw[:n], raw[n:], nil)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(plain, &p)
}
