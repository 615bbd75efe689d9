import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Metadata, declarations
from detectors.declared import xmp
from detectors.declared.metadata import Field
from detectors.declared.table import rules
from tests.assets.declared import packet, source_type

AIGC = '{"AIGC": {"Label": "1", "ContentProducer": "x"}}'
GRAPH = {"3": {"class_type": "KSampler", "inputs": {}}}
SETTINGS = "a castle\nNegative prompt: people\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"


def png(**texts: str) -> Metadata:
    return Metadata(tuple(Field("png_text", key, value) for key, value in texts.items()))


def exif(**tags: str) -> Metadata:
    return Metadata(tuple(Field("exif", name, value) for name, value in tags.items()))


def xmp_of(data: bytes) -> Metadata:
    return Metadata(tuple(xmp.fields(data)))


def both(*parts: Metadata) -> Metadata:
    return Metadata(tuple(field for part in parts for field in part.fields))


@pytest.mark.parametrize(
    ("metadata", "source", "origin"),
    [
        (xmp_of(source_type("trainedAlgorithmicMedia")), "iptc", "synthetic"),
        (xmp_of(source_type("compositeWithTrainedAlgorithmicMedia")), "iptc", "composite"),
        (xmp_of(source_type("digitalCapture")), "iptc", "camera"),
        (xmp_of(source_type("digitalCreation")), "iptc", "not_ai"),
        (xmp_of(source_type("somethingNew")), "iptc", "unknown"),
        (png(parameters="a castle\nSteps: 20"), "png_text", "synthetic"),
        (png(Parameters=SETTINGS), "png_text", "synthetic"),
        (png(workflow='{"nodes": [], "links": []}'), "png_text", "synthetic"),
        (png(prompt=json.dumps(GRAPH)), "png_text", "synthetic"),
        (png(prompt=json.dumps(GRAPH).replace("{}", "NaN")), "png_text", "synthetic"),
        (png(Software="NovelAI"), "png_text", "synthetic"),
        (png(AIGC=AIGC), "aigc", "synthetic"),
        (png(AIGC=' {"Label": 1}\n'), "aigc", "synthetic"),
        (png(AIGC='{"Label": "2"}'), "aigc", "unknown"),
        (png(AIGC="not json"), "aigc", "unknown"),
        (xmp_of(packet(attributes="TC260:AIGC='{&quot;Label&quot;:&quot;1&quot;}'")), "aigc", "synthetic"),
        (exif(UserComment=AIGC), "aigc", "synthetic"),
        (exif(ImageDescription="AIGC:" + AIGC), "aigc", "synthetic"),
        (exif(UserComment=SETTINGS), "exif", "synthetic"),
        (exif(UserComment=json.dumps({"prompt": GRAPH, "workflow": {}})), "exif", "synthetic"),
        (exif(UserComment=json.dumps({"prompt": json.dumps(GRAPH)})), "exif", "synthetic"),
        (exif(Software="Stable Diffusion XL"), "exif", "synthetic"),
        (exif(Make="Canon", Model="EOS R5"), "exif", "camera"),
        (exif(Model="iPhone 16"), "exif", "camera"),
        (xmp_of(packet(attributes='tiff:Make="Canon" tiff:Model="EOS R5"')), "xmp", "camera"),
        (xmp_of(packet("<xmp:CreatorTool>Adobe Firefly</xmp:CreatorTool>")), "xmp", "synthetic"),
        (Metadata((Field("comment", "", SETTINGS),)), "comment", "synthetic"),
        (Metadata((Field("iptc_iim", "2:110", "Made with Google AI"),)), "iptc_iim", "synthetic"),
    ],
)
def test_what_is_declared(metadata: Metadata, source: str, origin: str) -> None:
    (declaration,) = declarations(metadata)
    assert (declaration.source, declaration.origin) == (source, origin)
    assert declaration.rule in {rule.id for rule in rules()}
    assert declaration.tool
    assert declaration.field.startswith(metadata.fields[0].place)


@pytest.mark.parametrize(
    "kind",
    [
        "https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia/",
        "trainedAlgorithmicMedia",
        " digsrctype:TrainedAlgorithmicMedia\n",
        "Trained algorithmic media",
    ],
)
def test_a_source_type_is_known_in_every_spelling(kind: str) -> None:
    (declaration,) = declarations(Metadata((Field("xmp", "Iptc4xmpExt:DigitalSourceType", kind),)))
    assert declaration.origin == "synthetic"


@pytest.mark.parametrize(
    "metadata",
    [
        Metadata(),
        png(Software="GIMP 2.10"),
        png(prompt="Describe this photo for the class"),
        png(prompt='{"question": "what?"}'),
        png(parameters="exposure 30 ms"),
        png(workflow="{}"),
        png(Description="A portrait in the style of Midjourney", Title="AI generated", Comment="made with AI"),
        exif(Software="Adobe Photoshop"),
        exif(Software="Imagen AI 8.1 Lightroom"),
        exif(Software="Topaz Photo AI 3"),
        exif(Software="Not made with Midjourney"),
        exif(Software="Midjourneyman 2"),
        exif(ImageDescription="I asked DALL-E for a castle", UserComment="Stable Diffusion is a model"),
        exif(Make="workflow:{broken", Model='prompt:{"3":'),
        exif(Make=" ", Model="0000"),
        xmp_of(packet("<dc:subject><rdf:Bag><rdf:li>AI generated</rdf:li></rdf:Bag></dc:subject>")),
        xmp_of(packet("<dc:description><rdf:Alt><rdf:li>trainedAlgorithmicMedia</rdf:li></rdf:Alt></dc:description>")),
        xmp_of(
            packet("<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING</plus:DataMining>")
        ),
        xmp_of(packet("<photoshop:Credit>Google AI News</photoshop:Credit>")),
    ],
)
def test_false_friends_declare_nothing(metadata: Metadata) -> None:
    assert declarations(metadata) == []


def test_retouching_leaves_a_camera_a_camera() -> None:
    (declaration,) = declarations(exif(Make="Canon", Model="EOS R5", Software="Imagen AI 8.1 Lightroom"))
    assert (declaration.origin, declaration.value) == ("camera", "Canon EOS R5")


def test_a_graph_where_cameras_stand_is_no_camera() -> None:
    comfy = exif(Make='workflow:{"last_node_id":9,"nodes":[]}', Model='prompt:{"3":{"class_type":"KSampler"}}')
    assert {each.origin for each in declarations(comfy)} == {"synthetic"}
    half = exif(Make="Canon", Model='prompt:{"3":{"class_type":"KSampler"}}')
    assert {each.origin for each in declarations(half)} == {"synthetic"}


def test_contradictions_are_all_told() -> None:
    found = declarations(both(png(parameters=SETTINGS), exif(Make="Canon")))
    assert {each.origin for each in found} == {"synthetic", "camera"}


def test_a_generator_beside_a_composite_is_that_composite() -> None:
    edited = source_type("compositeWithTrainedAlgorithmicMedia")
    system = packet("<Iptc4xmpExt:AISystemUsed>Painter</Iptc4xmpExt:AISystemUsed>")
    assert {each.origin for each in declarations(xmp_of(system))} == {"synthetic"}
    assert {each.origin for each in declarations(both(xmp_of(edited), xmp_of(system)))} == {"composite"}


def test_the_same_statement_in_two_places_is_one() -> None:
    twice = (Field("exif", "Software", "Midjourney"), Field("xmp", "xmp:CreatorTool", "Midjourney"))
    assert [each.field for each in declarations(Metadata(twice))] == ["exif:Software"]


def test_prompts_and_names_are_not_shown() -> None:
    private = "Jane Roe in her garden"
    metadata = both(
        png(
            parameters=SETTINGS.replace("a castle", private),
            Comment=json.dumps({"sampler": 1, "steps": 1, "uc": private}),
        ),
        exif(UserComment=json.dumps({"Label": "1", "ContentProducer": "x", "PropagateID": private})),
        xmp_of(packet(f"<Iptc4xmpExt:AIPromptWriterName>{private}</Iptc4xmpExt:AIPromptWriterName>")),
    )
    found = declarations(metadata)
    assert len(found) == 4
    assert private not in str(found)
    assert "label: 1, contentproducer: x" in [each.value for each in found]


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.text(max_size=200)), st.text(max_size=500))
def test_any_metadata_is_read(texts: dict[str, str], value: str) -> None:
    names = {field for rule in rules() for field in rule.where}
    everywhere = Metadata(tuple(Field(place, name, value) for place, name in sorted(names)))
    for declaration in declarations(both(png(**texts), everywhere)):
        assert len(declaration.value) <= 500


UNITS = ["Steps: 1,", "Steps: 11111", "\n", "/a", "a" * 9, '{"a":', "[", " -s 1", "Job ID: 0", "Signature: A", "{}"]


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_values_declare_no_tool(unit: str) -> None:
    """Each of these makes a careless pattern or parser take quadratic time or recurse too deeply."""
    named = ("iptc-", "gb45438", "easy-diffusion", "nmkd")  # any text is a statement there
    names = sorted({field for rule in rules() for field in rule.where if not rule.id.startswith(named)})
    value = unit * (300_000 // len(unit)) + "{"
    assert declarations(Metadata(tuple(Field(place, name, value) for place, name in names))) == []
