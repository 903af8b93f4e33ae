package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An object's scope, namespace and name, and the label they make.
type object struct{ scope, namespace, name string }

func (of object) label() []byte {
	switch of.scope {
	case "cluster-wide":
		return nil
	case "namespace-wide":
		return []byte(of.namespace)
	}
	return []byte(of.namespace + "/" + of.name)
}

var (
	scopes = []string{"strict", "namespace-wide", "cluster-wide"}
	shop   = object{"strict", "shop", "db"}
)

type kit struct {
	folder string
	keys   map[string]*rsa.PrivateKey
	count  int
}

// Writes one file. What must come of it is what this program says itself; `expect` is what its author meant, and they agree.
func (k *kit) add(expect, name, key string, claimed, sealedFor object, value []byte, text, comment string) {
	opened, err := open(k.keys[key], claimed.label(), text)
	says := "ok"
	if err != nil {
		says = err.Error()
	}
	if _, err := open(k.keys[key], sealedFor.label(), text); says == "no-key" && claimed != sealedFor && err == nil {
		says = "wrong-scope"
	}
	if says != expect || says == "ok" && !bytes.Equal(opened, value) {
		panic(fmt.Sprintf("%s: meant %s, is %s", name, expect, says))
	}
	if expect != "ok" {
		value = nil
	}
	header := fmt.Sprintf("expect: %s\nkey: %s\nscope: %s\nnamespace: %s\nname: %s\n", expect, key, claimed.scope, claimed.namespace, claimed.name)
	if expect == "wrong-scope" {
		header += fmt.Sprintf("sealed-scope: %s\nsealed-namespace: %s\nsealed-name: %s\n", sealedFor.scope, sealedFor.namespace, sealedFor.name)
	}
	header += fmt.Sprintf("plaintext: %s\ncomment: %s\n\n", base64.StdEncoding.EncodeToString(value), comment)
	k.count++
	path := filepath.Join(k.folder, fmt.Sprintf("%s-%s.txt", expect, name))
	if _, err := os.Stat(path); err == nil {
		panic(path + " twice")
	}
	if err := os.WriteFile(path, []byte(header+text+"\n"), 0o644); err != nil {
		panic(err)
	}
}

// A value that was sealed in an odd way, for `shop`.
func (k *kit) odd(expect, name, key string, value, sealed []byte, comment string) {
	k.add(expect, name, key, shop, shop, value, base64.StdEncoding.EncodeToString(sealed), comment)
}

func (k *kit) text(expect, name, text, comment string) {
	k.add(expect, name, "2048", shop, shop, []byte("value"), text, comment)
}

func writeKit(folder string) {
	k := &kit{folder: folder, keys: map[string]*rsa.PrivateKey{}}
	for name, bits := range map[string]int{"2048": 2048, "3072": 3072, "4096": 4096, "other": 2048} {
		path := filepath.Join(folder, "keys", name+".pem")
		text, err := os.ReadFile(path)
		if err != nil {
			der := x509.MarshalPKCS1PrivateKey(must(rsa.GenerateKey(rand.Reader, bits)))
			text = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})
			if err := os.WriteFile(path, text, 0o644); err != nil {
				panic(err)
			}
		}
		k.keys[name] = readKey(string(text))
	}
	k.values()
	k.scopes()
	k.base64()
	k.lengths()
	for _, key := range []string{"2048", "3072", "4096"} {
		k.wrapped(key)
		k.ciphertexts(key)
	}
	fmt.Println(k.count, "files")
}

// Values of all sorts and sizes, in every scope, for keys of every size.
func (k *kit) values() {
	for _, scope := range scopes {
		of := object{scope, "shop", "db"}
		for _, size := range []int{0, 1, 15, 16, 17, 64, 1000} {
			value := random(size)
			text := base64.StdEncoding.EncodeToString(seal(&k.keys["2048"].PublicKey, of.label(), value))
			k.add("ok", fmt.Sprintf("%s-%d-bytes", scope, size), "2048", of, of, value, text, "random bytes")
		}
		for _, key := range []string{"3072", "4096"} {
			text := base64.StdEncoding.EncodeToString(seal(&k.keys[key].PublicKey, of.label(), []byte("hunter2")))
			k.add("ok", scope+"-key-"+key, key, of, of, []byte("hunter2"), text, "a longer key")
		}
	}
	for name, value := range map[string]string{"text": "pässwörd\n", "json": `{"a": [1]}`, "zeros": strings.Repeat("\x00", 40), "not-utf-8": "\xff\xfe\xc3"} {
		k.odd("ok", "value-"+name, "2048", []byte(value), seal(&k.keys["2048"].PublicKey, shop.label(), []byte(value)), "bytes are bytes")
	}
	for name, of := range map[string]object{
		"longest-names":  {"strict", strings.Repeat("n", 63), strings.Repeat("m", 253)},
		"shortest-names": {"strict", "a", "0"},
		"dotted-name":    {"strict", "a-b", "a.b-c.1"},
		"name-with-dash": {"strict", "a", "a-b"},
	} {
		text := base64.StdEncoding.EncodeToString(seal(&k.keys["2048"].PublicKey, of.label(), []byte("value")))
		k.add("ok", name, "2048", of, of, []byte("value"), text, "names at the borders of what Kubernetes allows")
	}
}

// Each scope claimed for each other one, with the same and with other names.
func (k *kit) scopes() {
	for _, sealed := range scopes {
		for _, claimed := range scopes {
			for _, namespace := range []string{"shop", "bank"} {
				for _, name := range []string{"db", "app"} {
					from, to := object{sealed, "shop", "db"}, object{claimed, namespace, name}
					text := base64.StdEncoding.EncodeToString(seal(&k.keys["2048"].PublicKey, from.label(), []byte("value")))
					expect := "wrong-scope"
					if bytes.Equal(from.label(), to.label()) {
						expect = "ok"
					}
					k.add(expect, fmt.Sprintf("from-%s-to-%s-%s-%s", sealed, claimed, namespace, name), "2048", to, from, []byte("value"), text, "one cell of the matrix of scopes")
				}
			}
		}
	}
	// Labels that differ by one character or by where the slash stands.
	for number, pair := range [][2]object{
		{{"strict", "a", "b.c"}, {"strict", "a", "b"}},
		{{"strict", "ab", "c"}, {"strict", "a", "bc"}},
		{{"namespace-wide", "ab", ""}, {"namespace-wide", "a", ""}},
		{{"strict", "a", "b"}, {"strict", "b", "a"}},
	} {
		text := base64.StdEncoding.EncodeToString(seal(&k.keys["2048"].PublicKey, pair[0].label(), []byte("value")))
		k.add("wrong-scope", fmt.Sprintf("near-%d", number), "2048", pair[1], pair[0], []byte("value"), text, "labels that nearly agree")
	}
}

// Spellings of one value in base64.
func (k *kit) base64() {
	value := []byte("value")
	text := base64.StdEncoding.EncodeToString(seal(&k.keys["2048"].PublicKey, shop.label(), value))
	half := len(text) / 2
	wrapped := func(width int, end string) string {
		var out strings.Builder
		for at := 0; at < len(text); at += width {
			out.WriteString(text[at:min(at+width, len(text))] + end)
		}
		return out.String()
	}
	k.text("ok", "base64-lines-of-76", wrapped(76, "\n"), "line breaks are passed over")
	k.text("ok", "base64-lines-of-64-crlf", wrapped(64, "\r\n"), "line breaks of Windows as well")
	k.text("ok", "base64-break-at-start", "\n"+text, "line breaks are passed over")
	k.text("ok", "base64-break-at-end", text+"\r\n\n", "line breaks are passed over")
	k.text("ok", "base64-carriage-return", text[:half]+"\r"+text[half:], "a carriage return alone as well")
	k.text("ok", "base64-every-byte-a-line", wrapped(1, "\n"), "line breaks within a group of four")
	// 2 + 256 + 5 + 16 bytes are a multiple of three; a value with one byte more or less ends in padding.
	for _, odd := range []string{"valu", "values"} {
		sealed := seal(&k.keys["2048"].PublicKey, shop.label(), []byte(odd))
		padded := base64.StdEncoding.EncodeToString(sealed)
		digits := strings.TrimRight(padded, "=")
		padding := padded[len(digits):]
		alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		last := strings.IndexByte(alphabet, digits[len(digits)-1])
		for _, bits := range []int{1, 2, 3} {
			loose := digits[:len(digits)-1] + string(alphabet[last|bits]) + padding
			k.add("ok", fmt.Sprintf("base64-loose-bits-%d-%d", len(padding), bits), "2048", shop, shop, []byte(odd), loose, "bits behind the last byte are not looked at")
		}
		k.text("bad-base64", fmt.Sprintf("padding-missing-%d", len(padding)), digits, "padding is required")
		k.text("bad-base64", fmt.Sprintf("padding-twice-%d", len(padding)), padded+"=", "more padding than is due")
		k.text("bad-base64", fmt.Sprintf("padding-and-more-%d", len(padding)), padded+"AAAA", "nothing follows padding")
	}
	for name, bad := range map[string]string{
		"space-inside": text[:half] + " " + text[half:], "space-at-start": " " + text, "space-at-end": text + " ",
		"tab": text[:half] + "\t" + text[half:], "url-alphabet-dash": "-" + text[1:], "url-alphabet-underscore": "_" + text[1:],
		"padding-in-the-middle": text[:half] + "=" + text[half:], "padding-first": "====", "padding-alone": "=",
		"one-digit": "A", "two-digits": "AA", "three-digits": "AAA", "one-digit-more": text + "A", "one-digit-less": text[:len(text)-1],
		"comma": strings.Replace(text, text[half:half+1], ",", 1), "not-ascii": text[:half] + "ä" + text[half:], "zero-byte": text[:half] + "\x00" + text[half:],
		"quotes": `"` + text + `"`, "hexadecimal": "0x0102", "vertical-tab": text + "\v", "wide-digits": "ＡＡＡＡ", "byte-order-mark": "\ufeff" + text,
	} {
		k.text("bad-base64", name, bad, "not standard base64")
	}
}

// Envelopes that end before the wrapped key does.
func (k *kit) lengths() {
	sealed := seal(&k.keys["2048"].PublicKey, shop.label(), []byte("value"))
	for _, length := range []int{0, 1, 2, 3, 17, 18, 100, 129, 256, 257} {
		k.odd("too-short", fmt.Sprintf("first-%d-bytes", length), "2048", nil, sealed[:length], "cut within the wrapped key")
	}
	for _, field := range []uint16{0xffff, 0x8000, 0x0200, uint16(len(sealed) - 1)} {
		changed := bytes.Clone(sealed)
		changed[0], changed[1] = byte(field>>8), byte(field)
		k.odd("too-short", fmt.Sprintf("length-%d", field), "2048", nil, changed, "a length beyond the end")
	}
	k.odd("too-short", "magic-alone", "2048", nil, []byte{1, 0}, "a length and nothing else")
}

// What stands where the wrapped session key belongs.
func (k *kit) wrapped(key string) {
	private := k.keys[key]
	public, label, session, value := &private.PublicKey, shop.label(), random(32), []byte("value")
	size, ciphertext := public.Size(), encrypt(session, value)
	good := wrap(public, session, label)
	add := func(expect, name string, wrapped []byte, comment string) {
		k.odd(expect, name+"-"+key, key, value, envelope(wrapped, ciphertext), comment)
	}
	for _, length := range []int{16, 24} {
		session := random(length)
		k.odd("ok", fmt.Sprintf("session-key-of-%d-%s", length, key), key, value, envelope(wrap(public, session, label), encrypt(session, value)), "AES-128 and AES-192 open as well")
	}
	stripped := good
	for stripped[0] != 0 {
		stripped = wrap(public, session, label)
	}
	add("ok", "stripped-zero", stripped[1:], "a writer may leave out a leading zero byte")
	add("no-key", "zero-in-front", append([]byte{0}, stripped...), "one byte longer than the modulus")
	for _, length := range []int{0, 1, 15, 31, 33, 64} {
		k.odd("no-key", fmt.Sprintf("session-key-of-%d-%s", length, key), key, nil, envelope(wrap(public, random(length), label), ciphertext), "no AES key has that length")
	}
	add("no-key", "sha-1", must(rsa.EncryptOAEP(sha1.New(), rand.Reader, public, session, label)), "OAEP with another hash")
	add("no-key", "pkcs1", must(rsa.EncryptPKCS1v15(rand.Reader, public, session)), "the older padding")
	add("no-key", "zeros", make([]byte, size), "a number that encrypts nothing")
	add("no-key", "modulus", public.N.FillBytes(make([]byte, size)), "the modulus itself")
	add("no-key", "above-modulus", bytes.Repeat([]byte{0xff}, size), "a number above the modulus")
	add("no-key", "cut", good[:size-1], "the last byte is missing")
	add("no-key", "longer", append(bytes.Clone(good), 0), "one byte more")
	add("no-key", "nothing", nil, "a length of zero")
	changed := bytes.Clone(good)
	changed[size/2] ^= 1
	add("no-key", "flipped-bit", changed, "one bit of the wrapped key")
	if size == k.keys["other"].Size() {
		add("no-key", "other-key", wrap(&k.keys["other"].PublicKey, session, label), "sealed for another key")
	}
}

// What stands behind the wrapped session key.
func (k *kit) ciphertexts(key string) {
	public, session, value := &k.keys[key].PublicKey, random(32), []byte("value")
	wrapped, good := wrap(public, session, shop.label()), encrypt(session, value)
	gcm := must(cipher.NewGCM(must(aes.NewCipher(session))))
	nonce := make([]byte, gcm.NonceSize())
	flipped := func(at int) []byte {
		changed := bytes.Clone(good)
		changed[at] ^= 0x80
		return changed
	}
	for name, ciphertext := range map[string][]byte{
		"missing": nil, "tag-missing": good[:len(value)], "tag-cut": good[:len(good)-1], "tag-flipped": flipped(len(good) - 1),
		"value-flipped": flipped(0), "one-byte-more": append(bytes.Clone(good), 0), "first-byte-missing": good[1:],
		"bound-data": gcm.Seal(nil, nonce, value, []byte("shop/db")), "other-nonce": gcm.Seal(nil, append(bytes.Clone(nonce[1:]), 1), value, nil),
		"other-session-key": encrypt(random(32), value), "in-clear": append(bytes.Clone(value), make([]byte, 16)...),
	} {
		k.odd("no-key", "ciphertext-"+name+"-"+key, key, nil, envelope(wrapped, ciphertext), "the ciphertext is not what was sealed")
	}
}
