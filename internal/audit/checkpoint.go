package audit

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ErrCheckpoint reports that something is not a checkpoint, or not one that a known key signed.
var ErrCheckpoint = errors.New("not a checkpoint with a valid signature")

// SignCheckpoint returns the checkpoint of head as a signed note (C2SP tlog-checkpoint and
// signed-note) with the origin "postern/<tenant>/<epoch>". key is an Ed25519 key.
func SignCheckpoint(head Head, key crypto.Signer) ([]byte, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the key that signs checkpoints is not an Ed25519 key")
	}
	verifier, err := newVerifier(origin(head), public)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: checkpointText(head)}, signer{verifier, key})
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint returns the head that a checkpoint states, once one of keys is found to have
// signed it. Otherwise it fails with [ErrCheckpoint].
func OpenCheckpoint(signed []byte, keys ...ed25519.PublicKey) (Head, error) {
	name, _, _ := strings.Cut(string(signed), "\n")
	var known []note.Verifier
	for _, key := range keys {
		v, err := newVerifier(name, key)
		if err != nil {
			return Head{}, ErrCheckpoint
		}
		known = append(known, v)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		return Head{}, ErrCheckpoint
	}
	return parseCheckpoint(n.Text)
}

// readCheckpoint returns the head that a signed checkpoint states, without a check of the
// signature.
func readCheckpoint(signed []byte) (Head, error) {
	_, err := note.Open(signed, note.VerifierList())
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return parseCheckpoint(unverified.Note.Text)
	}
	return Head{}, ErrCheckpoint
}

// parseCheckpoint returns the head in the text of a checkpoint, which has one form only.
func parseCheckpoint(text string) (Head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return Head{}, ErrCheckpoint
	}
	name := strings.Split(lines[0], "/")
	if len(name) != 3 || !isUUID(name[1]) {
		return Head{}, ErrCheckpoint
	}
	h := Head{Tenant: name[1]}
	h.Epoch, _ = strconv.ParseInt(name[2], 10, 64)
	h.Size, _ = strconv.ParseInt(lines[1], 10, 64)
	root, _ := base64.StdEncoding.DecodeString(lines[2])
	copy(h.Root[:], root)
	if h.Size < 1 || h.Epoch < 1 || checkpointText(h) != text {
		return Head{}, ErrCheckpoint
	}
	return h, nil
}

func checkpointText(h Head) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin(h), h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

// originPrefix begins the first line of every checkpoint.
const originPrefix = "postern/"

func origin(h Head) string {
	return fmt.Sprintf("%s%s/%d", originPrefix, h.Tenant, h.Epoch)
}

func newVerifier(name string, key ed25519.PublicKey) (note.Verifier, error) {
	encoded, err := note.NewEd25519VerifierKey(name, key)
	if err != nil {
		return nil, fmt.Errorf("checkpoint key: %w", err)
	}
	v, err := note.NewVerifier(encoded)
	if err != nil {
		return nil, fmt.Errorf("checkpoint key: %w", err)
	}
	return v, nil
}

// signer signs notes with a key that may live elsewhere.
type signer struct {
	note.Verifier
	key crypto.Signer
}

// Sign returns the Ed25519 signature of msg.
func (s signer) Sign(msg []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, msg, crypto.Hash(0))
}
