package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // RSA-OAEP's default digest; it needs no collision resistance (RFC 8017 appendix B.1)
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/beevik/etree"
)

// Algorithms of encryption.
const (
	aes128CBC = nsEncrypt + "aes128-cbc"
	aes192CBC = nsEncrypt + "aes192-cbc"
	aes256CBC = nsEncrypt + "aes256-cbc"
	aes128GCM = nsEncrypt11 + "aes128-gcm"
	aes192GCM = nsEncrypt11 + "aes192-gcm"
	aes256GCM = nsEncrypt11 + "aes256-gcm"
	oaepMGF1P = nsEncrypt + "rsa-oaep-mgf1p"
	oaep      = nsEncrypt11 + "rsa-oaep"
	sha1URI   = nsSignature + "sha1"
)

// keySizes are the accepted ciphers and the bytes of their keys.
var keySizes = map[string]int{aes128CBC: 16, aes192CBC: 24, aes256CBC: 32, aes128GCM: 16, aes192GCM: 24, aes256GCM: 32}

// oaepHashes are what RSA-OAEP may be used with.
var oaepHashes = map[string]crypto.Hash{
	"": crypto.SHA1, sha1URI: crypto.SHA1,
	nsEncrypt + "sha256": crypto.SHA256, nsEncrypt + "sha512": crypto.SHA512,
	nsEncrypt11 + "mgf1sha1": crypto.SHA1, nsEncrypt11 + "mgf1sha256": crypto.SHA256, nsEncrypt11 + "mgf1sha512": crypto.SHA512,
}

// decrypt returns the one assertion inside an EncryptedAssertion. authenticated says that a
// signature around it was verified: without, CBC would answer questions about its padding.
func decrypt(n *node, keys []crypto.Decrypter, authenticated bool) (*node, error) {
	data, err := n.need(nsEncrypt, "EncryptedData")
	if err != nil {
		return nil, err
	}
	with, err := data.need(nsEncrypt, "EncryptionMethod")
	if err != nil {
		return nil, err
	}
	algorithm := with.attrs["Algorithm"]
	size, ok := keySizes[algorithm]
	cbc := algorithm == aes128CBC || algorithm == aes192CBC || algorithm == aes256CBC
	if !ok || cbc && !authenticated {
		return nil, ErrAlgorithm
	}
	wrapped, err := encryptedKey(n, data)
	if err != nil {
		return nil, err
	}
	sealed, err := cipherValue(data)
	if err != nil {
		return nil, err
	}
	options, secret, err := wrapping(wrapped)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		key, err := k.Decrypt(rand.Reader, secret, options)
		if err != nil || len(key) != size {
			continue
		}
		plain, err := open(key, sealed, cbc)
		if err != nil {
			return nil, err
		}
		a, err := parse(plain)
		if err != nil {
			return nil, err
		}
		if !a.is(nsAssertion, "Assertion") || a.count(isAssertion) != 1 {
			return nil, ErrEncryption
		}
		return a, nil
	}
	return nil, ErrEncryption
}

// encryptedKey is the one key for the data, inside of it or beside it.
func encryptedKey(n, data *node) (*node, error) {
	info, err := data.one(nsSignature, "KeyInfo")
	if err != nil {
		return nil, err
	}
	all := n.all(nsEncrypt, "EncryptedKey")
	if info != nil {
		all = append(all, info.all(nsEncrypt, "EncryptedKey")...)
	}
	if len(all) != 1 {
		return nil, ErrEncryption
	}
	return all[0], nil
}

// wrapping reads how a key is encrypted: by RSA-OAEP and nothing else.
func wrapping(n *node) (*rsa.OAEPOptions, []byte, error) {
	with, err := n.need(nsEncrypt, "EncryptionMethod")
	if err != nil {
		return nil, nil, err
	}
	algorithm, digest, mgf := with.attrs["Algorithm"], "", ""
	if algorithm != oaepMGF1P && algorithm != oaep {
		return nil, nil, ErrAlgorithm
	}
	for _, k := range with.kids {
		switch {
		case k.is(nsSignature, "DigestMethod"):
			digest = k.attrs["Algorithm"]
		case k.is(nsEncrypt11, "MGF") && algorithm == oaep:
			mgf = k.attrs["Algorithm"]
		default:
			return nil, nil, ErrAlgorithm
		}
	}
	h, ok := oaepHashes[digest]
	g, also := oaepHashes[mgf]
	if !ok || !also {
		return nil, nil, ErrAlgorithm
	}
	secret, err := cipherValue(n)
	return &rsa.OAEPOptions{Hash: h, MGFHash: g}, secret, err
}

func cipherValue(n *node) ([]byte, error) {
	data, err := n.need(nsEncrypt, "CipherData")
	if err != nil {
		return nil, err
	}
	v, err := data.need(nsEncrypt, "CipherValue")
	if err != nil {
		return nil, err
	}
	text, err := v.value()
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(squeeze(text))
	if err != nil {
		return nil, ErrMalformed
	}
	return raw, nil
}

// open undoes AES: GCM with a nonce of 12 bytes (xmlenc-core1 5.2.4), or CBC.
func open(key, sealed []byte, cbc bool) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	if !cbc {
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("make a cipher: %w", err)
		}
		plain, err := aead.Open(nil, nil, sealed, nil)
		if err != nil {
			return nil, ErrEncryption
		}
		return plain, nil
	}
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, ErrEncryption
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, ErrEncryption
	}
	return plain[:len(plain)-pad], nil
}

// encrypt wraps an assertion for the holder of a certificate: AES-256-GCM under RSA-OAEP, in
// the form that every implementation reads.
func encrypt(assertion *etree.Element, to *x509.Certificate) (*etree.Element, error) {
	public, ok := to.PublicKey.(*rsa.PublicKey)
	if !ok || public.N.BitLen() < minRSA {
		return nil, ErrAlgorithm
	}
	plain, err := text(assertion)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make a cipher: %w", err)
	}
	secret, err := rsa.EncryptOAEP(crypto.SHA1.New(), rand.Reader, public, key, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt a key: %w", err)
	}
	out := etree.NewElement("saml:EncryptedAssertion")
	out.CreateAttr("xmlns:saml", nsAssertion)
	data := out.CreateElement("xenc:EncryptedData")
	data.CreateAttr("xmlns:xenc", nsEncrypt)
	data.CreateAttr("Type", nsEncrypt+"Element")
	data.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", aes256GCM)
	info := data.CreateElement("ds:KeyInfo")
	info.CreateAttr("xmlns:ds", nsSignature)
	wrapped := info.CreateElement("xenc:EncryptedKey")
	with := wrapped.CreateElement("xenc:EncryptionMethod")
	with.CreateAttr("Algorithm", oaepMGF1P)
	with.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", sha1URI)
	putCipher(wrapped, secret)
	putCipher(data, aead.Seal(nil, nil, plain, nil))
	return out, nil
}

func putCipher(el *etree.Element, value []byte) {
	child(el.CreateElement("xenc:CipherData"), "xenc:CipherValue", base64.StdEncoding.EncodeToString(value))
}
