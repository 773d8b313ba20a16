package agent

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/postern-id/postern/internal/agent/disk"
	"github.com/postern-id/postern/internal/agent/link"
	"github.com/postern-id/postern/internal/agent/websignin"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/graphclient"
)

// A CutOff keeps the sign-in of a join by pass, so that the next process can go on with it: the
// server keeps a one-time pass for the sign-in in which it was typed (rule 1 of
// docs/threat-model.md). On the disk it is encrypted under that very pass, so that nobody goes
// on with it who could not have begun it; at the server it goes on with the device's key alone.
type CutOff struct {
	files *disk.Dir
	now   func() time.Time
}

const cutOffFile = "join-signin.json"

type cutOff struct {
	Until  time.Time `json:"until"`
	Salt   []byte    `json:"salt"`
	Sealed []byte    `json:"sealed"` // websignin.Kept, AES-256-GCM
}

// seal is for one name and pass at one tenant.
func (c cutOff) seal(name string, pass graphclient.Secret, about device.About) (cipher.AEAD, []byte, error) {
	key := argon2.IDKey([]byte(pass.Reveal()), c.Salt, 2, 19<<10, 1, 32) // RFC 9106, as for passwords at the server
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return gcm, []byte("postern join\x00" + about.Issuer + "\x00" + strings.ToLower(name)), err
}

// keep is called before the pass is sent.
func (c *CutOff) keep(name string, pass graphclient.Secret, about device.About, k websignin.Kept) error {
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	out := cutOff{Until: c.now().Add(keepLost), Salt: make([]byte, 16)}
	_, _ = rand.Read(out.Salt) // never fails
	gcm, bound, err := out.seal(name, pass, about)
	if err != nil {
		return err
	}
	out.Sealed = gcm.Seal(nil, nil, text, bound)
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return c.files.Replace(cutOffFile, data)
}

// take returns the sign-in in which the same was typed before, or nil.
func (c *CutOff) take(name string, pass graphclient.Secret, l *link.Link, about device.About) *websignin.Request {
	data, err := c.files.Read(cutOffFile)
	if err != nil {
		return nil
	}
	var in cutOff
	if json.Unmarshal(data, &in) != nil || !c.now().Before(in.Until) || c.now().Add(keepLost).Before(in.Until) {
		return nil
	}
	gcm, bound, err := in.seal(name, pass, about)
	if err != nil {
		return nil
	}
	text, err := gcm.Open(nil, nil, in.Sealed, bound)
	var k websignin.Kept
	if err != nil || json.Unmarshal(text, &k) != nil {
		return nil
	}
	return websignin.GoOn(l, about, k)
}

// drop forgets it: the join is done, or the pass was wrong.
func (c *CutOff) drop() error { return c.files.Remove(cutOffFile) }
