// Seals and opens values with nothing but Go's standard library, written from docs/format.md and without a look at the
// product's code. Reads JSON lines and answers each with a line:
//
//	{"key": PEM, "label": base64, "value": base64}   sealed: {"sealed": text}
//	{"key": PEM, "label": base64, "sealed": text}    opened: {"value": base64} or {"class": "bad-base64", ...}
//
// `go run . kit FOLDER` writes the vector kit: one value a file, with what must come of it.
package main

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
)

var (
	errBase64 = errors.New("bad-base64")
	errShort  = errors.New("too-short")
	errNoKey  = errors.New("no-key")
)

type question struct {
	Key    string  `json:"key"`
	Label  []byte  `json:"label"`
	Value  []byte  `json:"value"`
	Sealed *string `json:"sealed"`
}

type answer struct {
	Sealed string `json:"sealed,omitempty"`
	Value  []byte `json:"value"`
	Class  string `json:"class,omitempty"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func readKey(text string) *rsa.PrivateKey {
	block, _ := pem.Decode([]byte(text))
	return must(x509.ParsePKCS1PrivateKey(block.Bytes))
}

func random(length int) []byte {
	bytes := make([]byte, length)
	must(rand.Read(bytes))
	return bytes
}

// The AES-GCM ciphertext of a value under a session key, with the nonce that docs/format.md fixes.
func encrypt(session, value []byte) []byte {
	gcm := must(cipher.NewGCM(must(aes.NewCipher(session))))
	return gcm.Seal(nil, make([]byte, gcm.NonceSize()), value, nil)
}

func wrap(key *rsa.PublicKey, session, label []byte) []byte {
	return must(rsa.EncryptOAEP(sha256.New(), rand.Reader, key, session, label))
}

func envelope(wrapped, ciphertext []byte) []byte {
	return append(append(binary.BigEndian.AppendUint16(nil, uint16(len(wrapped))), wrapped...), ciphertext...)
}

func seal(key *rsa.PublicKey, label, value []byte) []byte {
	session := random(32)
	return envelope(wrap(key, session, label), encrypt(session, value))
}

func open(key *rsa.PrivateKey, label []byte, text string) ([]byte, error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errBase64
	}
	if len(sealed) < 2 {
		return nil, errShort
	}
	length := int(binary.BigEndian.Uint16(sealed))
	if len(sealed)-2 < length {
		return nil, errShort
	}
	session, err := rsa.DecryptOAEP(sha256.New(), nil, key, sealed[2:2+length], label)
	if err != nil {
		return nil, errNoKey
	}
	block, err := aes.NewCipher(session)
	if err != nil {
		return nil, errNoKey
	}
	gcm := must(cipher.NewGCM(block))
	value, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), sealed[2+length:], nil)
	if err != nil {
		return nil, errNoKey
	}
	return value, nil
}

func reply(asked question, keys map[string]*rsa.PrivateKey) answer {
	key, known := keys[asked.Key]
	if !known {
		key = readKey(asked.Key)
		keys[asked.Key] = key
	}
	if asked.Sealed == nil {
		return answer{Sealed: base64.StdEncoding.EncodeToString(seal(&key.PublicKey, asked.Label, asked.Value))}
	}
	value, err := open(key, asked.Label, *asked.Sealed)
	if err != nil {
		return answer{Class: err.Error()}
	}
	// An empty value is one, too.
	return answer{Value: append([]byte{}, value...)}
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "kit" {
		writeKit(os.Args[2])
		return
	}
	input, output := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer output.Flush()
	decoder, encoder := json.NewDecoder(input), json.NewEncoder(output)
	keys := map[string]*rsa.PrivateKey{}
	for decoder.More() {
		var asked question
		if err := decoder.Decode(&asked); err != nil {
			panic(err)
		}
		if err := encoder.Encode(reply(asked, keys)); err != nil {
			panic(err)
		}
	}
}
