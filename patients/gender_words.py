"""What files of other languages call the genders, in lower case."""

from patients.models import Gender

_FEMALE = (
    *("w", "k", "woman", "weiblich", "frau", "femme", "féminin", "feminin", "mujer", "femenino", "mulher", "feminino"),
    *("donna", "femmina", "femminile", "vrouw", "vrouwelijk", "kvinna", "kvinde", "kvinne", "kobieta", "žena", "女"),
)
_MALE = (
    *("h", "man", "männlich", "mann", "homme", "masculin", "hombre", "masculino", "homem", "uomo", "maschio"),
    *("maschile", "mannelijk", "mand", "mężczyzna", "muž", "男"),
)
_OTHER = ("d", "divers", "diverse", "non-binary", "nonbinary")
GENDER_WORDS = {
    **dict.fromkeys(_FEMALE, str(Gender.FEMALE)),
    **dict.fromkeys(_MALE, str(Gender.MALE)),
    **dict.fromkeys(_OTHER, str(Gender.OTHER)),
}
# M is mujer beside H, hombre, or V, varón; V is vrouw beside M in Dutch.
UNSURE_GENDER_WORDS = {"m": ("h", "v"), "v": ("v",)}
