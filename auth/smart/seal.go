package smart

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errSealed = errors.New("sealed value does not open")

// sealer is AES-256-GCM under a key that is derived from a secret, so that what is kept beside the
// hash of the secret can be read only by who brings the secret again.
func sealer(secret Secret, label string) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(label))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return cipher.NewGCM(block)
}

// Seal returns v as JSON, sealed under the 32 bytes of the secret file. label separates uses of one secret.
func Seal(random io.Reader, secret []byte, label string, v any) ([]byte, error) {
	return seal(random, Secret(secret), label, v)
}

// Unseal reads what Seal made; an error under every other secret and label.
func Unseal(secret []byte, label string, sealed []byte, v any) error {
	return open(Secret(secret), label, sealed, v)
}

// seal returns v as JSON, sealed for whoever holds the secret. label separates uses of one secret.
func seal(random io.Reader, secret Secret, label string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := sealer(secret, label)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("random source: %w", err)
	}
	return aead.Seal(nonce, nonce, plain, []byte(label)), nil
}

// open reads what seal made; errSealed under every other secret and label.
func open(secret Secret, label string, sealed []byte, v any) error {
	aead, err := sealer(secret, label)
	if err != nil {
		return err
	}
	if len(sealed) < aead.NonceSize() {
		return errSealed
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(label))
	if err != nil {
		return errSealed
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}
