package backup

import (
	"bytes"
	"strings"

	"filippo.io/age"
)

// minPassphrase is the least number of characters of a passphrase.
const minPassphrase = 12

// scryptWork is the logarithm of the work of a passphrase: about a second and 256 MiB.
var scryptWork = 18

// Recipients reads public keys of age, such as age1….
func Recipients(texts []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, text := range texts {
		some, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil {
			return nil, ErrOpenTo.With("recipient", "One of the recipients is not a public key of age.") // not quoted: it may be a secret one by mistake
		}
		all = append(all, some...)
	}
	return all, nil
}

// PassphraseRecipient encrypts for those who know the passphrase in file, the text of a file
// whose last line end does not count.
func PassphraseRecipient(file []byte) ([]age.Recipient, error) {
	phrase, err := passphrase(file)
	if err != nil {
		return nil, err
	}
	r, err := age.NewScryptRecipient(phrase)
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(scryptWork)
	return []age.Recipient{r}, nil
}

// PassphraseIdentity reverses PassphraseRecipient.
func PassphraseIdentity(file []byte) ([]age.Identity, error) {
	phrase, err := passphrase(file)
	if err != nil {
		return nil, err
	}
	i, err := age.NewScryptIdentity(phrase)
	return []age.Identity{i}, err
}

func passphrase(file []byte) (string, error) {
	phrase := strings.TrimRight(string(file), "\r\n")
	if len([]rune(phrase)) < minPassphrase {
		return "", ErrIdentity.With("passphrase-file", "The passphrase has less than 12 characters.")
	}
	return phrase, nil
}

// Identities reads a file of secret keys, as age-keygen writes it. The error does not quote it.
func Identities(file []byte) ([]age.Identity, error) {
	all, err := age.ParseIdentities(bytes.NewReader(file))
	if err != nil || len(all) == 0 {
		return nil, ErrIdentity.With("identity", "")
	}
	return all, nil
}
