package presentation

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/internal/recovery/sdjwt"
)

// MaxAnswer is how long an answer may be: a form here has 64 kB at most.
const MaxAnswer = 60 << 10

// read opens the answer to r and returns the presentation in it.
func (s Service) read(ctx context.Context, r Request, answer string, issuers []sdjwt.Issuer) (string, error) {
	if len(answer) > MaxAnswer {
		return "", sdjwt.ErrMalformed
	}
	sealed, err := jose.ParseEncryptedCompact(answer, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A128GCM, jose.A256GCM})
	if err != nil || sealed.Header.KeyID != r.ID {
		return "", sdjwt.ErrMalformed.With("", "The answer is not encrypted as the request says.")
	}
	if _, packed := sealed.Header.ExtraHeaders["zip"]; packed {
		return "", sdjwt.ErrMalformed.With("", "The answer is compressed.")
	}
	key, err := derived(ctx, s.MAC, r.Tenant, encryptLabel, r.ID)
	if err != nil {
		return "", err
	}
	plain, err := sealed.Decrypt(key)
	if err != nil {
		return "", sdjwt.ErrMalformed.With("", "The answer is not encrypted as the request says.")
	}
	var body struct {
		State string              `json:"state"`
		Token map[string][]string `json:"vp_token"`
	}
	if err := json.Unmarshal(plain, &body); err != nil {
		return "", sdjwt.ErrMalformed.With("", "The answer is no answer of OpenID4VP.")
	}
	if body.State != r.ID {
		return "", sdjwt.ErrHolder.With("", "The answer is to another request.")
	}
	for n := range issuers {
		if all := body.Token[queryID(n)]; len(body.Token) == 1 && len(all) == 1 {
			return all[0], nil
		}
	}
	return "", sdjwt.ErrMalformed.With("", "The answer does not have one credential that was asked for.")
}

// alphabet has 32 characters that are told apart by eye, as those of passes.
const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// codeLength is that of the code that brings an answer to the browser that asked.
const codeLength = 8

func draw(random io.Reader, length int) (string, error) {
	raw := make([]byte, length)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", err
	}
	for i, b := range raw {
		raw[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(raw), nil
}

// ReturnPath is where a wallet leads after its answer.
const ReturnPath = "/recover/presented"

func (s Service) back(r Request, code string) string {
	return s.PublicURL + ReturnPath + "?" + url.Values{"tenant": {string(r.Tenant)}, "id": {r.ID}, "response_code": {code}}.Encode()
}

// Spelled is a code as people type it, or "" for what is none.
func Spelled(code string) string {
	if len(code) != codeLength || strings.Trim(code, alphabet) != "" {
		return ""
	}
	return code[:codeLength/2] + " " + code[codeLength/2:]
}
