import type { DemoProduct } from "./administer.ts";

/** A small shop of things that are made in small numbers. Ids follow the order of the list. */
export const demoProducts: readonly DemoProduct[] = [
  demo(
    "Cast-iron teapot, 0.9 l",
    "Enamelled inside, with a steel strainer. Keeps tea hot for an hour.",
    6_490,
    40,
  ),
  demo("Hand-thrown mug", "Stoneware with an ash glaze; no two are alike.", 2_400, 120),
  demo("Copper pour-over kettle", "Gooseneck spout and a walnut handle, 0.7 l.", 11_900, 25),
  demo("Coffee grinder, steel burrs", "Forty clicks from Turkish to French press.", 15_900, 30),
  demo(
    "Single-origin coffee, 250 g",
    "Washed Yirgacheffe, roasted on the Tuesday before it ships.",
    1_350,
    400,
  ),
  demo("Sencha, first harvest, 100 g", "From the slopes of Uji, picked in April.", 1_890, 200),
  demo("Olive-wood board", "Oiled, 38 by 22 cm, with a leather loop.", 3_900, 60),
  demo("Japanese kitchen knife, 18 cm", "Santoku of layered steel, sharpened by hand.", 14_500, 20),
  demo("Linen apron", "Washed linen from Flanders, cross-back.", 5_400, 75),
  demo("Cast-iron pan, 26 cm", "Seasoned with flaxseed oil, ready to use.", 7_900, 45),
  demo("Beeswax candles, four", "Dipped, not poured; each burns for nine hours.", 1_600, 150),
  demo("Wool blanket", "Merino from the Pyrenees, woven in a mill from 1884.", 12_900, 35),
  demo("Field notebook, three", "Dot grid, thread-bound, lies flat.", 1_290, 300),
  demo("Fountain pen, fine nib", "Turned brass that darkens with use.", 8_900, 50),
  demo("Iron-gall ink, 50 ml", "Blue-black, waterproof after a day.", 1_490, 110),
  demo("Desk lamp", "Spun aluminium, dimmable, warm white.", 13_900, 28),
  demo("Mechanical keyboard kit", "Sixty-five per cent, hot-swap sockets, no switches.", 16_900, 15),
  demo("Pocket radio", "Medium wave and FM; runs for a week on two cells.", 4_990, 80),
  demo("Turntable, belt drive", "Plywood plinth, tone arm of carbon fibre.", 38_900, 8),
  demo("Reissue on vinyl, numbered", "Half-speed master; five hundred copies, never again.", 3_490, 500),
  demo("Concert poster, screen print", "Four colours on cotton paper, signed.", 4_500, 100),
  demo("Mountain tent, two people", "1.4 kg with poles, for three seasons.", 42_900, 12),
  demo("Titanium mug", "450 ml, 74 g, folds flat at the handles.", 2_990, 130),
  demo("Trail running shoe", "Rock plate and a 6 mm drop.", 12_900, 64),
];

function demo(name: string, description: string, priceCents: number, pieces: number): DemoProduct {
  return { name, description, priceCents, currency: "EUR", pieces };
}
